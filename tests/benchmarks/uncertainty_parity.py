"""Holds our estimators of uncertainty against the published implementations.

    mkdir references
    pip download --no-deps -d references lm-polygraph uqlm selfcheckgpt
    (cd references && for w in *.whl; do unzip -q $w; done && tar xzf selfcheckgpt-*.tar.gz)
    python tests/benchmarks/uncertainty_parity.py references

The references' own functions run on the same answers and on the same probabilities of
entailment, vectors and log-probabilities as ours; only their loading of models is bypassed.
The constructed cases are drawn at random; the real ones are questions of the dev set (folder
in TRUSTLAYER_DATA), read by the bundled models.
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import json
import os
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import numpy.typing as npt

from trustlayer_detectors.uncertainty import dispersion, entropy, graph, repetition, tokens
from trustlayer_detectors.uncertainty.groups import led
from trustlayer_detectors.uncertainty.models import bundled_embedding, bundled_entailment

DATA = Path(os.environ.get("TRUSTLAYER_DATA", "../shared/data"))
TOLERANCE = 1e-6
Array = npt.NDArray[np.float64]


@dataclass
class Case:
    """Answers (n, the first is the one examined) and everything known of them."""

    answers: list[str]
    nli: Array  # (n, n, 3): entailed, neutral, contradicted; row to column
    vectors: Array  # (n, width)
    logprobs: list[list[float]]  # of each answer's tokens
    alternatives: list[list[float]]  # of the first answer's tokens

    @property
    def sequence(self) -> list[float]:
        return [float(np.sum(row)) for row in self.logprobs]

    def entailment(self, pairs: Sequence[tuple[str, str]]) -> Array:
        at = {text: place for place, text in enumerate(self.answers)}
        return np.array([self.nli[at[one], at[other]] for one, other in pairs])


def constructed(count: int) -> Iterator[Case]:
    for seed in range(count):
        draw = np.random.default_rng(seed)
        size = int(draw.integers(2, 21))
        meaning = draw.integers(0, int(draw.integers(1, size + 1)), size)
        logits = draw.normal(0.0, 1.5, (size, size, 3))
        logits[..., 0] += 4.0 * (meaning[:, None] == meaning[None, :])
        yield _case([f"answer {n}" for n in range(size)], _softmax(logits), draw)


def real(count: int) -> Iterator[Case]:
    path = DATA / "uncertainty" / "dev.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    rows = [row for row in rows if row["dataset"] in ("uq_nlg_triviaqa", "sac3_nq")]
    random.Random(0).shuffle(rows)
    rows = [row for row in rows if len(set(row["samples"])) > 2 and all(row["samples"])][:count]
    for seed, row in enumerate(rows):
        answers = list(dict.fromkeys([row["answer"], *row["samples"]]))[:8]
        pairs = [(one, other) for one in answers for other in answers]
        nli = np.asarray(bundled_entailment(pairs), np.float64)
        nli = nli.reshape(len(answers), len(answers), 3)
        case = _case(answers, nli, np.random.default_rng(seed))
        case.vectors = np.asarray(bundled_embedding(answers), np.float64)
        yield case


def _case(answers: list[str], nli: Array, draw: np.random.Generator) -> Case:
    nli = nli.copy()
    nli[np.arange(len(answers)), np.arange(len(answers))] = (1.0, 0.0, 0.0)
    logprobs = [(-draw.exponential(0.7, int(draw.integers(1, 12)))).tolist() for _ in answers]
    alternatives = np.sort(np.log(draw.dirichlet(np.ones(5), len(logprobs[0]))))[:, ::-1]
    return Case(answers, nli, draw.normal(size=(len(answers), 16)), logprobs, alternatives.tolist())


def _softmax(logits: Array) -> Array:
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


Value = Callable[[Case], "float | Sequence[float]"]


def polygraph(folder: Path) -> Iterator[tuple[str, Value, Value]]:
    for part in ("", ".estimators", ".stat_calculators", ".utils"):
        _package(folder, f"lm_polygraph{part}")
    _absent("lm_polygraph.utils.model", "lm_polygraph.utils.deberta")
    estimators = "lm_polygraph.estimators"
    classes = _module("lm_polygraph.stat_calculators.semantic_classes")
    se = _module(f"{estimators}.semantic_entropy").SemanticEntropy
    spectral = {
        "EigValLaplacian": (_module(f"{estimators}.eig_val_laplacian"), graph.eigenvalues),
        "DegMat": (_module(f"{estimators}.deg_mat"), graph.degree),
        "Eccentricity": (_module(f"{estimators}.eccentricity"), graph.eccentricity),
    }

    def stats(case: Case) -> dict[str, Any]:
        found = classes.SemanticClassesCalculator()
        matrix = case.nli.argmax(axis=-1)[None]
        made = found(
            {"semantic_matrix_classes": matrix, "entailment_id": 0, "sample_texts": [case.answers]},
            [],
            None,
        )
        return {
            **made,
            "sample_texts": [case.answers],
            "sample_log_probs": [case.sequence],
            "semantic_matrix_entail": case.nli[None, ..., 0],
            "semantic_matrix_contra": case.nli[None, ..., 2],
            "greedy_log_likelihoods": [np.array(case.logprobs[0])],
            "entropy": [[_entropy(row) for row in case.alternatives]],
        }

    def labels(case: Case) -> npt.NDArray[np.intp]:
        return led(case.answers, case.entailment).labels

    def theirs(case: Case) -> list[float]:
        found = stats(case)["semantic_classes_entail"]["sample_to_class"][0]
        return [float(found[n]) for n in range(len(case.answers))]

    yield "lm-polygraph semantic classes", theirs, lambda c: labels(c).tolist()
    yield (
        "lm-polygraph SemanticEntropy",
        lambda c: se()(stats(c)),
        lambda c: entropy.sampled_semantic_entropy(labels(c), c.sequence),
    )
    yield (
        "lm-polygraph SemanticEntropyEmpirical",
        lambda c: se(class_probability_estimation="frequency")(stats(c)),
        lambda c: entropy.semantic_entropy(labels(c)),
    )
    for name, (module, ours) in spectral.items():
        for affinity in ("entail", "contra"):
            estimator = getattr(module, name)(affinity=affinity)
            yield f"lm-polygraph {name} ({affinity})", _on(estimator, stats), _graph(ours, affinity)
    sets = _module(f"{estimators}.num_sem_sets").NumSemSets()
    yield (
        "lm-polygraph NumSemSets",
        lambda c: sets(stats(c)),
        lambda c: entropy.semantic_sets(c.nli[..., 0], c.nli[..., 2]),
    )
    simple: dict[str, tuple[Any, Value]] = {
        "Perplexity": (
            _module(f"{estimators}.perplexity").Perplexity(),
            lambda c: tokens.surprise(c.logprobs[0]),
        ),
        "MaximumSequenceProbability": (
            _module(f"{estimators}.max_probability").MaximumSequenceProbability(),
            lambda c: tokens.sequence_surprise(c.logprobs[0]),
        ),
        "MeanTokenEntropy": (
            _module(f"{estimators}.token_entropy").MeanTokenEntropy(),
            lambda c: tokens.alternatives_entropy(c.alternatives),
        ),
    }
    for name, (estimator, own) in simple.items():
        yield f"lm-polygraph {name}", _on(estimator, stats), own


def _on(estimator: Any, stats: Callable[[Case], dict[str, Any]]) -> Value:
    return lambda case: estimator(stats(case))


def _graph(ours: Callable[[Array], float], affinity: str) -> Value:
    if affinity == "entail":
        return lambda case: ours(graph.mutual(case.nli[..., 0]))
    return lambda case: ours(graph.mutual(1.0 - case.nli[..., 2]))


def uqlm(folder: Path) -> Iterator[tuple[str, Value, Value]]:
    _package(folder, "uqlm", "uqlm.nli", "uqlm.black_box", "uqlm.white_box", "uqlm.utils")
    formulas = _module("uqlm.nli.entropy_utils")
    clusterer = _module("uqlm.nli.cluster").SemanticClusterer
    cosine = _module("uqlm.black_box.cosine").CosineScorer
    single = _module("uqlm.white_box.single_logprobs").SingleLogprobsScorer()
    top = _module("uqlm.white_box.top_logprobs").TopLogprobsScorer(top_k_logprobs=5)
    match = _module("uqlm.black_box.match").MatchScorer()

    def clusters(case: Case) -> list[list[int]]:
        # Theirs takes one direction for enough, and lets an answer join several clusters; the
        # stand-in reports both directions, and the first cluster counts.
        def both(pairs: list[tuple[str, str]]) -> list[dict[str, Any]]:
            ways = [case.entailment([(a, b), (b, a)]).argmax(axis=1) for a, b in pairs]
            return [
                {"noncontradiction_score": 0, "entailment": not way.any(), "entailment_score": 0}
                for way in ways
            ]

        nli = SimpleNamespace(get_nli_results_batch=both)
        found = clusterer(nli).cluster_responses(case.answers)[1]
        seen: set[int] = set()
        kept = [[n for n in group if n not in seen and not seen.add(n)] for group in found]  # type: ignore[func-returns-value]
        return [group for group in kept if group]

    def theirs(case: Case, logprobs: bool) -> float:
        given = [[{"logprob": value} for value in row] for row in case.logprobs]
        by_tokens, uniform = formulas.compute_response_probabilities(given, len(given))
        used = by_tokens if logprobs else uniform
        shares = formulas.compute_cluster_probabilities(used, clusters(case))
        return float(formulas.compute_semantic_entropy(shares))

    def ours(case: Case, logprobs: bool) -> float:
        labels = led(case.answers, case.entailment).labels
        normed = [float(np.mean(row)) for row in case.logprobs]
        return entropy.semantic_entropy(labels, normed if logprobs else None)

    yield "uqlm discrete semantic entropy", lambda c: theirs(c, False), lambda c: ours(c, False)
    yield "uqlm semantic entropy", lambda c: theirs(c, True), lambda c: ours(c, True)

    def cosines(case: Case) -> float:
        scorer = cosine.__new__(cosine)
        at = dict(zip(case.answers, case.vectors, strict=True))
        scorer.model = SimpleNamespace(encode=lambda texts: np.array([at[t] for t in texts]))
        scorer.max_length = 10**6
        return 1.0 - float(np.mean(scorer._compute_score(case.answers[0], case.answers[1:])))

    yield "uqlm cosine", cosines, lambda c: dispersion.distance(c.vectors[0], c.vectors[1:])

    def given(case: Case) -> list[dict[str, Any]]:
        rows = zip(case.logprobs[0], case.alternatives, strict=True)
        return [{"logprob": p, "top_logprobs": [{"logprob": q} for q in row]} for p, row in rows]

    yield (
        "uqlm min_probability",
        lambda c: 1.0 - single._min_prob(given(c)),
        lambda c: tokens.worst_doubt(c.logprobs[0]),
    )
    yield (
        "uqlm sequence_probability",
        lambda c: 1.0 - single._norm_prob(given(c)),
        lambda c: tokens.mean_doubt(c.logprobs[0]),
    )
    yield (
        "uqlm mean_token_negentropy",
        lambda c: 1.0 - top._mean_token_negentropy(given(c)),
        lambda c: tokens.relative_alternatives_entropy(c.alternatives),
    )
    yield (
        "uqlm probability_margin",
        lambda c: 1.0 - top._probability_margin(given(c)),
        lambda c: tokens.margin(c.alternatives),
    )

    def repeats(case: Case) -> list[str]:
        return [case.answers[n % 2] for n in range(len(case.answers))]

    yield (
        "uqlm exact_match",
        lambda c: 1.0 - match._compute_score(c.answers[0], repeats(c)),
        lambda c: entropy.disagreement([text == c.answers[0] for text in repeats(c)]),
    )


def selfcheckgpt(folder: Path) -> Iterator[tuple[str, Value, Value]]:
    import torch

    [unpacked] = folder.glob("selfcheckgpt-*/")
    _absent("spacy", "bert_score", "nltk", "nltk.util", "openai", "groq")
    _absent("selfcheckgpt.modeling_mqag", "selfcheckgpt.modeling_ngram")
    _package(unpacked, "selfcheckgpt")
    nli = _module("selfcheckgpt.modeling_selfcheck").SelfCheckNLI
    del sys.modules["selfcheckgpt.modeling_ngram"]
    unigrams = _module("selfcheckgpt.modeling_ngram").UnigramModel

    def theirs(case: Case) -> list[float]:
        class Encoded(dict[str, Any]):
            def to(self, device: object) -> Encoded:
                return self

        def encode(batch_text_or_text_pairs: Any, **_: Any) -> Encoded:
            [(sentence, sample)] = batch_text_or_text_pairs
            return Encoded(pair=(sample, sentence))

        def logits(pair: tuple[str, str]) -> Any:
            entailed, _, contradicted = case.entailment([pair])[0]
            values = torch.log(torch.tensor([[entailed, contradicted]], dtype=torch.float64))
            return SimpleNamespace(logits=values)

        judge = nli.__new__(nli)
        judge.tokenizer = SimpleNamespace(batch_encode_plus=encode)
        judge.model, judge.device = logits, "cpu"
        middle = max(1, len(case.answers) // 2)
        found = judge.predict(case.answers[:middle], case.answers[middle:])
        return [float(value) for value in found]

    def ours(case: Case) -> list[float]:
        middle = max(1, len(case.answers) // 2)
        found = repetition.read_against(
            case.answers[:middle], case.answers[middle:], case.entailment
        )
        return [float(value) for value in repetition.contradiction(found)]

    yield "selfcheckgpt SelfCheck-NLI", theirs, ours

    def counted(case: Case) -> list[float]:
        model = unigrams.__new__(unigrams)
        model.nlp = _Spaced()
        model.sentence_count = model.token_count = 0
        model.counts, model.lowercase = {"<unk>": 0}, True
        for text in case.answers:
            model.add(text)
        model.train(k=0)
        found = model.evaluate(case.answers[:2])["sent_level"]["max_neg_logprob"]
        return [float(value) for value in found]

    def rarest(case: Case) -> list[float]:
        said = [repetition.words(text) for text in case.answers]
        return [float(value) for value in repetition.rarest(said[:2], said[2:])]

    yield "selfcheckgpt unigram (max)", counted, rarest


class _Spaced:
    # In place of spaCy: one sentence a text, words cut as ours are.
    def __call__(self, text: str) -> Any:
        class Words(list[Any]):
            sents = (SimpleNamespace(text=text),)

        return Words(SimpleNamespace(text=word) for word in repetition.words(text))


def _entropy(logprobs: Sequence[float]) -> float:
    shares = np.exp(logprobs)
    return float(-(shares * np.log(shares)).sum())


def _package(folder: Path, *names: str) -> None:
    # Without their __init__, which would import everything that they depend on.
    for name in names:
        package = ModuleType(name)
        package.__path__ = [str(folder / name.replace(".", "/"))]
        sys.modules[name] = package


def _absent(*names: str) -> None:
    # What their modules import and the functions under comparison do not use.
    for name in names:
        sys.modules.setdefault(name, MagicMock())


def _module(name: str) -> Any:
    return importlib.import_module(name)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("references", type=Path)
    parser.add_argument("--cases", type=int, default=60, help="of either kind")
    options = parser.parse_args()
    cases = {"constructed": list(constructed(options.cases)), "real": list(real(options.cases))}
    failed = False
    print("| reference | " + " | ".join(f"{n} ({len(c)})" for n, c in cases.items()) + " |")
    print("|---|" + "--:|" * len(cases))
    for family in (polygraph, uqlm, selfcheckgpt):
        for name, theirs, ours in family(options.references):
            gaps = [max(_gap(theirs(c), ours(c)) for c in some) for some in cases.values()]
            failed = failed or max(gaps) > TOLERANCE
            print(f"| {name} | " + " | ".join(f"{gap:.1e}" for gap in gaps) + " |", flush=True)
    sys.exit(f"a gap exceeds {TOLERANCE:g}" if failed else 0)


def _gap(one: object, other: object) -> float:
    first, second = np.atleast_1d(np.asarray(one)), np.atleast_1d(np.asarray(other))
    assert first.shape == second.shape, (first, second)
    gap = float(np.abs(first - second).max())
    assert np.isfinite(gap), (first, second)
    return gap


if __name__ == "__main__":
    main()
