"""The parts that make grounding's weights, on models and rows of a few bytes."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustlayer import Span
from trustlayer.recipes import Step

pytest.importorskip("torch", reason="training needs the extra `train`")
pytest.importorskip("transformers", reason="training needs the extra `train`")
pytest.importorskip("sklearn", reason="training needs the extra `train`")

import torch

from trustlayer_detectors.grounding_evidence import choose, leans
from trustlayer_detectors.training import edits, metrics, paraphrase, rows, wording
from trustlayer_detectors.training.crossencoder import CrossEncoder, Pair, collate
from trustlayer_detectors.training.loop import Schedule, fit, plan_batches
from trustlayer_detectors.training.origin import original
from trustlayer_detectors.training.soup import soup


@given(st.lists(st.integers(1, 60), max_size=80), st.integers(60, 200), st.integers(0, 9))
def test_every_row_is_in_one_batch_and_no_batch_is_too_large(
    lengths: list[int], tokens: int, seed: int
) -> None:
    plan = plan_batches(lengths, tokens, seed, block=16)
    assert sorted(row for batch in plan for row in batch) == list(range(len(lengths)))
    assert all(len(batch) * max(lengths[row] for row in batch) <= tokens for batch in plan)


def _trained(folder: Path, stop: int | None = None) -> list[float]:
    torch.manual_seed(1)
    model = torch.nn.Linear(3, 1)
    data = torch.arange(60.0).reshape(20, 3) / 60
    plan = plan_batches([1] * 20, 4, seed=2, epochs=4)
    calls = iter(range(1_000))

    def loss(batch: Sequence[int]) -> torch.Tensor:
        if stop is not None and next(calls) == stop:
            raise KeyboardInterrupt
        found: torch.Tensor = model(data[list(batch)]).float()
        return (found - 1).pow(2).mean()

    fit(model, plan, loss, Schedule(rate=0.1, save_every=3, log_every=5), folder)
    return [float(value) for value in model.weight.detach().flatten()]


def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path) -> None:
    whole = _trained(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        _trained(tmp_path / "parts", stop=10)
    assert _trained(tmp_path / "parts") == pytest.approx(whole, abs=1e-6)
    assert _trained(tmp_path / "whole") == whole  # a finished run is not repeated


def test_later_passes_begin_where_the_first_ended_and_the_mean_stays() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    begun: list[float] = []

    def go(by: float) -> Iterator[Step]:
        begun.append(float(model.weight.detach()))
        yield Step("one", 1, 1, 0.0)
        with torch.no_grad():
            model.weight += by

    model.load_state_dict({"weight": torch.tensor([[1.0]])})
    assert len(list(soup(model, map(go, (1.0, 4.0, -2.0))))) == 3
    assert begun == [1, 2, 2]
    assert float(model.weight.detach()) == pytest.approx((2 + 6 + 0) / 3)


def test_the_rate_rises_and_falls() -> None:
    schedule = Schedule(rate=1.0, warmup=0.1)
    rates = [schedule.rate_at(step, 100) for step in range(100)]
    assert max(rates) == rates[9] == rates[10]
    assert rates[0] < rates[5] < rates[9] > rates[50] > rates[99] > 0


def test_pairs_are_padded_and_token_labels_stand_on_the_claim() -> None:
    claim, evidence = np.array([7, 8], np.int32), np.array([9, 9, 9], np.int32)
    marks = np.array([0, 1], np.float32)
    asked = np.array([5], np.int32)
    pairs = [Pair(claim, evidence, 3, asked, marks), Pair(claim[:1], evidence[:1], 0)]
    batch = collate(pairs, torch.device("cpu"))
    assert batch.input_ids[0, :10].tolist() == [101, 7, 8, 102, 5, 102, 9, 9, 9, 102]
    assert batch.token_type_ids[0, :11].tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0]
    assert batch.tokens[0, :4].tolist() == [0, 0, 1, 0]
    assert batch.known[0, :4].tolist() == [0, 1, 1, 0]
    assert batch.known[1].sum() == 0
    assert batch.attention_mask.sum(1).tolist() == [10, 5]


@given(st.integers(0, 200))
def test_an_edit_changes_what_it_says_it_changes(seed: int) -> None:
    text = "In 1889 the tower was not opened by Gustave Eiffel, before 300 guests in Paris."
    context = "Marie Curie moved to Warsaw in 1891 with 412 others, and London was larger."
    draw = random.Random(seed)
    kinds = (edits.one, wording.word, wording.modifier)
    made = [edit for make in kinds if (edit := make(text, context, draw)) is not None]
    assert len(made) >= 2  # a modifier that the context has is not put in
    for edit in made:
        assert edit.text != text
        assert edit.text[: edit.span.start] == text[: edit.span.start]
        rest = edit.text[edit.span.end :]
        assert text.endswith(rest.lstrip())


@given(st.integers(0, 200))
def test_other_words_are_put_in_and_nothing_else(seed: int) -> None:
    text = "However, the firm did not buy two films, because 5,200 people saw them in 2019."
    told = paraphrase.reworded(text, random.Random(seed))
    assert told is not None
    assert told != text
    assert told.endswith(" 5,200 people saw them in 2019.")
    words = {"But", "Still,", "Nevertheless,", "didn't", "2", "movies,", "since", "as"}
    assert set(told.split()) - set(text.split()) <= words


def test_what_has_no_known_other_words_stays_as_it_is() -> None:
    assert paraphrase.reworded("Ada wrote to Babbage.", random.Random(1)) is None
    assert paraphrase.shortened("Ada wrote to Babbage.") is None
    assert paraphrase.shortened("Ada wrote to Babbage, who answered within a week.") == (
        "Ada wrote to Babbage."
    )


def test_a_claim_in_other_words_stays_supported_and_an_edit_of_it_is_not() -> None:
    text = "The firm purchased three large ships in 1904, which were scrapped after the war."
    claim = rows.Claim(text, f"{text} Its owner sold 12 of them.", 0, spans=())
    made = [each for seed in range(60) for each in rows.augmented([claim], seed)]
    sound = {each.text for each in made if each.target == 0}
    assert "The firm purchased three large ships in 1904." in sound
    assert any("bought" in each for each in sound)
    assert any("bought" in each.text for each in made if each.target != 0)
    assert not sound & {each.text for each in made if each.target != 0}


def test_sentences_inherit_the_label_of_the_spans_in_them() -> None:
    row = {
        "dataset": "any", "answer": "It is tall. It is pink. It is old.", "context": "c",
        "question": None, "label": 1, "spans": [{"start": 18, "end": 22, "kind": "edit"}],
    }  # fmt: skip
    claims = rows.claims(row)
    assert [claim.target for claim in claims] == [0, 3, 0]
    assert claims[1].spans == (Span(6, 10),)
    assert Span(6, 10).of(claims[1].text) == "pink"
    assert claims[2].before == "It is pink."  # it opens with a pronoun


def test_evidence_is_chosen_to_cover_the_claim() -> None:
    similarity = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 1]], np.float32)
    lengths = np.array([10, 10, 10, 10])
    rarity = np.ones(3, np.float32)
    assert choose(similarity, rarity, lengths, 20) == [0, 3]
    assert choose(similarity, rarity, lengths, 1) in ([0], [1])  # never none
    assert choose(similarity[:, :0], rarity, lengths[:0], 20) == []
    assert leans("They left.")
    assert not leans("Theory matters.")


def test_a_perfect_order_has_auroc_one_with_and_without_groups() -> None:
    labels = np.array([0, 0, 1, 1, 0, 1])
    risks = np.array([0.1, 0.2, 0.8, 0.9, 0.85, 0.95])
    groups = ["a", "a", "a", "a", "b", "b"]
    assert metrics.interval(labels, risks, metrics.auroc, groups=groups, draws=50).value == 1
    assert metrics.auroc(labels, risks) < 1
    limit = metrics.best_f1_limit(labels, risks)
    assert metrics.f1_above(limit)(labels, risks) == pytest.approx(6 / 7)


@pytest.mark.parametrize("lengths", [(16, 16), (16, 9)], ids=["whole", "padded"])
def test_the_fast_attention_is_the_eager_one(lengths: tuple[int, int]) -> None:
    model = CrossEncoder(original()).eval()
    draw = np.random.default_rng(3)
    pairs = [
        Pair(draw.integers(1000, 9000, 5).astype(np.int32),
             draw.integers(1000, 9000, length - 8).astype(np.int32), 0)
        for length in lengths
    ]  # fmt: skip
    batch = collate(pairs, torch.device("cpu"))
    inputs = (batch.input_ids, batch.attention_mask, batch.token_type_ids)
    with torch.inference_mode():
        eager = model(*inputs)
        model.attend("bfloat16")
        fast = model(*inputs)
    assert torch.allclose(eager[0], fast[0], atol=1e-4)
    known = batch.known.new_tensor([[place < length for place in range(16)] for length in lengths])
    assert torch.allclose(eager[1] * known, fast[1] * known, atol=1e-4)
