"""The estimators as functions: ranges, invariances, and values worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustlayer import Span, Token
from trustlayer_detectors.uncertainty import dispersion, entropy, graph, repetition, tokens
from trustlayer_detectors.uncertainty.groups import entailments, group, led, wordings
from trustlayer_detectors.uncertainty.likeness import similarity

LABELS = st.lists(st.integers(0, 6), min_size=1, max_size=12).map(np.array)
LOGPROBS = st.lists(st.floats(-30.0, 0.0), min_size=1, max_size=20)


def matrices(size: int, seed: int) -> npt.NDArray[np.float64]:
    """Symmetric likenesses in [0, 1] with 1 on the diagonal."""
    drawn = np.random.default_rng(seed).random((size, size))
    alike = graph.mutual(drawn)
    np.fill_diagonal(alike, 1.0)
    return alike


class Meanings:
    """An entailment model for texts like "3: whatever": equal numbers entail each other."""

    def __init__(self) -> None:
        self.pairs: list[tuple[str, str]] = []

    def __call__(self, pairs: Sequence[tuple[str, str]], /) -> npt.NDArray[np.float64]:
        self.pairs += pairs
        return np.array([self.one(*pair) for pair in pairs])

    def one(self, premise: str, hypothesis: str) -> tuple[float, float, float]:
        number = [text.partition(":")[0].split()[-1] for text in (premise, hypothesis)]
        return (0.9, 0.05, 0.05) if number[0] == number[1] else (0.05, 0.15, 0.8)


def long(meaning: int, variant: int) -> str:
    return f"{meaning}: {' '.join(f'word{variant}x{n}' for n in range(26))}"


@given(LABELS)
def test_entropy_lies_between_none_and_that_of_all_different(labels: npt.NDArray[np.intp]) -> None:
    found = entropy.semantic_entropy(labels)
    assert 0.0 <= found <= log(len(labels)) + 1e-12
    assert 0.0 <= entropy.relative_entropy(labels) <= 1.0


@given(LABELS, st.randoms())
def test_entropy_does_not_depend_on_the_order(labels: npt.NDArray[np.intp], random: object) -> None:
    shuffled = np.random.default_rng(len(labels)).permutation(labels)
    assert entropy.semantic_entropy(shuffled) == pytest.approx(entropy.semantic_entropy(labels))


@given(st.integers(1, 12), LOGPROBS)
def test_one_meaning_has_no_entropy(count: int, logprobs: list[float]) -> None:
    assert entropy.semantic_entropy(np.zeros(count, np.intp)) == 0.0
    assert entropy.semantic_entropy(np.zeros(len(logprobs), np.intp), logprobs) == 0.0


@given(LABELS)
def test_equal_probabilities_are_counts(labels: npt.NDArray[np.intp]) -> None:
    weighed = entropy.semantic_entropy(labels, [-3.0] * len(labels))
    assert weighed == pytest.approx(entropy.semantic_entropy(labels))


def test_entropies_by_hand() -> None:
    labels = np.array([0, 0, 1, 1])
    assert entropy.semantic_entropy(labels) == pytest.approx(log(2))
    assert entropy.relative_entropy(labels) == pytest.approx(0.5)
    probabilities = np.log([0.5, 0.25, 0.125, 0.125])
    assert entropy.semantic_entropy(labels, probabilities) == pytest.approx(
        -(0.75 * log(0.75) + 0.25 * log(0.25))
    )
    assert entropy.sampled_semantic_entropy(labels, probabilities) == pytest.approx(
        -(log(0.75) + log(0.25)) / 2
    )


def test_improbable_answers_do_not_underflow() -> None:
    found = entropy.semantic_entropy(np.array([0, 1]), [-2000.0, -2000.0])
    assert found == pytest.approx(log(2))
    assert entropy.semantic_entropy(np.array([0, 1]), [-np.inf, -np.inf]) == pytest.approx(log(2))


def test_semantic_sets_hang_together_through_others() -> None:
    entailed = np.array([[1.0, 0.9, 0.0], [0.9, 1.0, 0.9], [0.0, 0.9, 1.0]])
    assert entropy.semantic_sets(entailed, 1.0 - entailed) == 1
    assert entropy.semantic_sets(np.eye(3), 1.0 - np.eye(3)) == 3


@given(st.integers(1, 10), st.integers(0, 1000))
def test_graph_measures_keep_their_ranges_in_any_order(size: int, seed: int) -> None:
    alike = matrices(size, seed)
    order = np.random.default_rng(seed).permutation(size)
    shuffled = alike[np.ix_(order, order)]
    assert 1.0 - 1e-9 <= graph.eigenvalues(alike) <= size + 1e-9
    assert -1e-9 <= graph.degree(alike) <= 1.0 - 1.0 / size + 1e-9
    assert 0.0 <= graph.eccentricity(alike) <= size**0.5 + 1e-9
    for measure in (graph.eigenvalues, graph.degree, graph.eccentricity):
        assert measure(shuffled) == pytest.approx(measure(alike), abs=1e-8)


@pytest.mark.parametrize("size", [1, 2, 7])
def test_graphs_of_one_and_of_all_meanings(size: int) -> None:
    same, apart = np.ones((size, size)), np.eye(size)
    assert graph.eigenvalues(same) == pytest.approx(1.0)
    assert graph.degree(same) == pytest.approx(0.0)
    assert graph.eccentricity(same) == pytest.approx(0.0, abs=1e-9)
    assert graph.eigenvalues(apart) == pytest.approx(size)
    assert graph.degree(apart) == pytest.approx(1.0 - 1.0 / size)


def test_dispersion_by_hand() -> None:
    one, two = [1.0, 0.0], [0.0, 1.0]
    assert dispersion.distance(one, [one, one]) == 0.0
    assert dispersion.distance(one, [one, two]) == pytest.approx(0.25)
    assert dispersion.distance(one, [[-1.0, 0.0]]) == pytest.approx(1.0)
    assert dispersion.dispersion([one, two]) == pytest.approx(1.0)
    assert dispersion.dispersion([one]) == 0.0


def test_an_empty_text_is_like_itself_alone() -> None:
    found = similarity(np.array([[0.0, 0.0], [2.0, 0.0]]))
    assert found.tolist() == [[1.0, 0.0], [0.0, 1.0]]


@given(LOGPROBS)
def test_token_measures_keep_their_ranges(logprobs: list[float]) -> None:
    assert 0.0 <= tokens.mean_doubt(logprobs) <= tokens.worst_doubt(logprobs) + 1e-12 <= 1.0 + 1e-9
    assert tokens.surprise(logprobs) >= 0.0
    assert tokens.perplexity(logprobs) == pytest.approx(exp(tokens.surprise(logprobs)))
    start, end = tokens.weakest(logprobs)
    assert 0 <= start < end <= len(logprobs)
    assert min(logprobs) in logprobs[start:end] or len(logprobs) > tokens.WEAKEST


def test_a_certain_model_has_no_doubt() -> None:
    certain = [0.0, 0.0]
    assert tokens.mean_doubt(certain) == tokens.worst_doubt(certain) == 0.0
    assert tokens.alternatives_entropy([[0.0, -np.inf], [0.0, -np.inf]]) == 0.0
    assert tokens.margin([[0.0, -np.inf]]) == 0.0


def test_alternatives_by_hand() -> None:
    even = [log(0.3), log(0.3)]
    assert tokens.alternatives_entropy([even]) == pytest.approx(log(2))
    assert tokens.relative_alternatives_entropy([even]) == pytest.approx(1.0)
    assert tokens.margin([even, [log(0.7), log(0.2)]]) == pytest.approx(0.75)


def test_the_weakest_stretch_is_located_in_the_text() -> None:
    given_tokens = [Token(text, -0.1) for text in ("It", " opened", " in", " 1889", ".")]
    answer = "It opened in 1889."
    assert tokens.weakest([-0.1, -0.1, -0.1, -5.0, -0.1], 1) == (3, 4)
    assert tokens.located(answer, given_tokens, 3, 4) == Span(13, 17)
    assert tokens.located(answer, given_tokens, 0, 5) == Span(0, 18)


def test_a_cut_out_answer_is_located_within_what_was_written() -> None:
    written = [Token(text, -0.1) for text in ("Sure: ", "Oslo", "!")]
    assert tokens.located("Oslo", written, 1, 2) == Span(0, 4)
    assert tokens.located("Oslo", written, 0, 1) is None  # before the answer
    assert tokens.located("Bergen", written, 0, 1) is None


def test_contradiction_by_hand() -> None:
    found = np.array([[[0.6, 0.2, 0.2], [0.1, 0.8, 0.1]], [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]])
    assert repetition.contradiction(found).tolist() == pytest.approx([0.375, 0.75])
    assert repetition.unsupported(found).tolist() == pytest.approx([0.65, 1.0])


def test_what_the_samples_do_not_hold_is_rare() -> None:
    samples = [["born", "in", "oslo"], ["born", "in", "oslo"]]
    said = [["born", "in", "oslo"], ["born", "in", "lima"]]
    rarest = repetition.rarest(said, samples)
    assert rarest[0] < rarest[1] == pytest.approx(log(12))
    assert repetition.unshared(said, samples).tolist() == pytest.approx([0.0, 1 / 3])


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=10), st.data()
)
def test_groups_are_those_of_meaning_in_any_order(
    drawn: list[tuple[int, int]], data: st.DataObject
) -> None:
    texts = [long(*pair) for pair in drawn]
    found = group(texts, Meanings())
    order = data.draw(st.permutations(range(len(texts))))
    shuffled = group([texts[n] for n in order], Meanings())
    assert shuffled.labels.tolist() == found.labels[list(order)].tolist()
    assert shuffled.passes == found.passes
    meanings = np.array([meaning for meaning, _ in drawn])
    one = meanings[:, None] == meanings[None, :]
    assert ((found.labels[:, None] == found.labels[None, :]) == one).all()


@given(st.integers(1, 20))
def test_repeats_of_one_answer_cost_nothing_and_have_no_entropy(count: int) -> None:
    model = Meanings()
    found = group([long(1, 0)] * count, model)
    assert (found.count, found.passes, model.pairs) == (1, 0, [])
    assert entropy.semantic_entropy(found.labels) == 0.0


@given(st.lists(st.integers(0, 4), min_size=1, max_size=12))
def test_grouping_makes_exactly_the_passes_that_one_by_one_needs(meanings: list[int]) -> None:
    texts = [f"{meaning}: variant {n}" for n, meaning in enumerate(meanings)]
    found = led(texts, Meanings())
    leaders: list[int] = []
    needed = 0
    for meaning in meanings:
        for leader in leaders:
            needed += 2 if leader == meaning else 1  # the way back only after the way there
            if leader == meaning:
                break
        else:
            leaders.append(meaning)
    assert found.passes == needed
    assert found.count == len(set(meanings))


def test_far_vectors_save_passes() -> None:
    texts = [long(meaning, variant) for meaning in range(4) for variant in range(5)]

    def embedding(given_texts: Sequence[str], /) -> npt.NDArray[np.float64]:
        return np.eye(4)[[int(text.partition(":")[0]) for text in given_texts]]

    everything, saving = group(texts, Meanings()), group(texts, Meanings(), embedding)
    assert saving.labels.tolist() == everything.labels.tolist()
    assert saving.passes == 4 * 4 * 2 < everything.passes
    assert saving.passes < 20 * 19 / 2 / 2  # half of all pairs


def test_words_of_the_question_say_nothing() -> None:
    question = "Which city is the capital of Norway?"
    texts = ["Oslo", "The capital is Oslo.", "It is the city of Oslo.", "The capital is Bergen."]
    assert wordings(texts, question).tolist() == [0, 0, 0, 1]
    assert len(set(wordings(["Oslo", "Not Oslo"], "Is it Oslo?"))) == 2


def test_wordings_need_no_model() -> None:
    found = wordings(["Oslo.", "Bergen", "oslo", "In Oslo"])
    assert (found == found[0]).tolist() == [True, False, True, True]


def test_all_pairs_are_read_once_for_equal_texts() -> None:
    model = Meanings()
    texts = ["1: a", "2: b", "1: a"]
    entailed, contradicted = entailments(texts, model)
    assert len(model.pairs) == 2
    assert entailed.diagonal().tolist() == [1.0, 1.0, 1.0]
    assert entailed[0, 2] == 1.0
    assert contradicted[0, 1] == 0.8
