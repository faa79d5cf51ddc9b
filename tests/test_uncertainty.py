"""The detectors of uncertainty: what they say, point at, and refuse to say."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from hashlib import sha256
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustlayer import (
    Action,
    Detector,
    Exchange,
    Finding,
    Model,
    Policy,
    Reply,
    Request,
    Sampling,
    Token,
    Unexamined,
    Verifier,
    load,
)
from trustlayer.audit import AuditStore
from trustlayer.errors import MissingExtra
from trustlayer_detectors.uncertainty import (
    Agreement,
    AskedConfidence,
    AskedTruth,
    Confidence,
    Models,
    SelfCheck,
    SemanticEntropy,
    SentenceEncoder,
    Uncertainty,
)
from trustlayer_detectors.uncertainty.asked import stated, truth_question, untruth
from trustlayer_detectors.uncertainty.fusion import bundled
from trustlayer_detectors.uncertainty.models import bundled_embedding, bundled_entailment
from trustlayer_detectors.uncertainty.prompts import difficulty, proportions
from trustlayer_detectors.uncertainty.signals import Kind, signals

ANSWERS = st.lists(
    st.sampled_from(["Oslo", "Bergen", "the city of Oslo", "42", "43 minutes", "", "It is Oslo."]),
    min_size=1,
    max_size=8,
)
MATHS = Exchange("6 times 7?", "42", samples=("42", "42.0", r"\boxed{42}", "41"))
BIOGRAPHY = Exchange(
    "Who was Ada Byron?",
    "Ada Byron was an English mathematician who wrote on the Analytical Engine. "
    "She was born in Lisbon in 1790 and rowed in three regattas.",
    samples=(
        "Ada Byron, an English mathematician, wrote about the Analytical Engine of Babbage.",
        "The English mathematician Ada Byron wrote notes on the Analytical Engine.",
        "Ada Byron was an English writer on mathematics and the Analytical Engine.",
    ),
)


def words_entail(pairs: Sequence[tuple[str, str]], /) -> npt.NDArray[np.float64]:
    """A stand-in for the entailment model: entailed is what has most of its words there."""
    rows: list[tuple[float, float, float]] = []
    for premise, hypothesis in pairs:
        said, there = set(hypothesis.lower().split()), set(premise.lower().split())
        share = len(said & there) / max(1, len(said))
        rows.append((share * 0.9 + 0.05, 0.0, 0.95 - share * 0.9))
    return np.array(rows)


def letters(texts: Sequence[str], /) -> npt.NDArray[np.float64]:
    """A stand-in for the encoder: how often each letter stands in a text."""
    counts = [[text.lower().count(chr(97 + n)) for n in range(26)] for text in texts]
    return np.array(counts, np.float64)


MODELS = Models(words_entail, letters)
DETECTORS: list[Callable[[], Detector]] = [
    lambda: Uncertainty(MODELS),
    lambda: SemanticEntropy(MODELS),
    lambda: SelfCheck(MODELS),
    Agreement,
    Confidence,
]


def found(detector: Detector, exchange: Exchange) -> Finding:
    [finding] = detector.examine([exchange])
    assert isinstance(finding, Finding), finding
    return finding


def reasons(finding: Finding) -> str:
    return "\n".join(evidence.reason for evidence in finding.evidence)


@pytest.mark.parametrize(
    "name", ["uncertainty", "semantic_entropy", "selfcheck", "agreement", "confidence"]
)
def test_they_are_found_by_name(name: str) -> None:
    assert load(name).name == name


@pytest.mark.parametrize("make", DETECTORS)
def test_without_samples_and_probabilities_nobody_has_examined(
    make: Callable[[], Detector],
) -> None:
    detector = make()
    [finding] = detector.examine([Exchange("Where?", "Oslo")])
    assert isinstance(finding, Unexamined)
    assert finding.detector == detector.name


def test_the_reason_says_what_is_missing() -> None:
    [finding] = Uncertainty(MODELS).examine([Exchange("Where?", "Oslo", ("Oslo is.",))])
    assert finding == Unexamined("uncertainty", "neither samples nor log-probabilities to judge by")
    [finding] = Uncertainty(MODELS).examine([Exchange("Where?", " ", samples=("Oslo",))])
    assert finding == Unexamined("uncertainty", "empty answer")


@given(ANSWERS, st.permutations(range(8)))
def test_the_order_of_the_samples_is_nothing(samples: list[str], order: list[int]) -> None:
    one = Exchange("Where?", "Oslo", samples=tuple(samples))
    kept = [samples[n] for n in order if n < len(samples)]
    other = Exchange("Where?", "Oslo", samples=tuple(kept))
    for detector in (Uncertainty(MODELS), SemanticEntropy(MODELS), Agreement()):
        assert found(detector, one).risk == pytest.approx(found(detector, other).risk)


@given(ANSWERS, st.lists(st.floats(-20.0, 0.0), max_size=6))
def test_risks_are_probabilities(samples: list[str], logprobs: list[float]) -> None:
    exchange = Exchange("Where?", "Oslo", samples=tuple(samples), logprobs=tuple(logprobs))
    for detector in (Uncertainty(MODELS), SemanticEntropy(MODELS), SelfCheck(MODELS), Agreement()):
        assert 0.0 <= found(detector, exchange).risk <= 1.0


@pytest.mark.parametrize("answer", ["42", "Oslo", BIOGRAPHY.answer])
def test_full_agreement_is_less_risky_than_none(answer: str) -> None:
    agreed = Exchange("Which?", answer, samples=(answer,) * 5)
    others = tuple(f"{n} something else entirely, said number {n * 7}" for n in range(5))
    alone = Exchange("Which?", answer, samples=others)
    for detector in (Uncertainty(MODELS), SemanticEntropy(MODELS), SelfCheck(MODELS), Agreement()):
        assert found(detector, agreed).risk < found(detector, alone).risk
    assert found(Uncertainty(MODELS), agreed).risk < 0.5 < found(Uncertainty(MODELS), alone).risk
    assert found(SemanticEntropy(MODELS), agreed).risk == 0.0
    assert found(Agreement(), agreed).risk == 0.0


def test_agreement_reads_mathematics() -> None:
    finding = found(Agreement(), MATHS)
    assert finding.risk == 0.25
    assert reasons(finding) == '1 of 4 further answers say something else, most often "41"'


def test_the_evidence_says_which_signs_were_used() -> None:
    said = reasons(found(Uncertainty(MODELS), MATHS))
    assert "judged by difficulty" in said
    assert "disagreement 0.25" in said
    assert "without log-probabilities" in said
    only = Exchange("Where?", "Oslo", logprobs=(-0.2,))
    assert "without samples" in reasons(found(Uncertainty(MODELS), only))


def test_what_the_samples_do_not_repeat_is_pointed_at() -> None:
    for detector in (Uncertainty(MODELS), SelfCheck(MODELS)):
        spans = [e.span.of(BIOGRAPHY.answer) for e in found(detector, BIOGRAPHY).evidence if e.span]
        assert spans == ["She was born in Lisbon in 1790 and rowed in three regattas."]


def test_where_the_model_hesitated_is_pointed_at() -> None:
    pieces = [("It", -0.1), (" opened", -0.2), (" in", -0.1), (" 1874", -4.0), (".", -0.1)]
    answer = "It opened in 1874."
    exchange = Exchange(
        "When?",
        answer,
        logprobs=tuple(p for _, p in pieces),
        tokens=tuple(Token(text, p, (p, -5.0)) for text, p in pieces),
    )
    for detector in (Confidence(), Uncertainty(MODELS)):
        [evidence] = [e for e in found(detector, exchange).evidence if "hesitated" in e.reason]
        assert evidence.span is not None
        assert "1874" in evidence.span.of(answer)
        assert "0.018" in evidence.reason
    assert "wavering" in signals(exchange, MODELS).values


def test_a_hesitation_without_tokens_has_no_place() -> None:
    exchange = Exchange("When?", "It opened in 1874.", logprobs=(-0.1, -4.0))
    [evidence] = found(Confidence(), exchange).evidence
    assert evidence.span is None


def test_an_absent_sign_is_neither_a_zero_nor_a_one() -> None:
    fusion = bundled()[Kind.SHORT]
    some = {"disagreement": 0.4, "entropy": 0.4, "unrepeated": 0.4, "distance": 0.1}
    least = fusion.logit({**some, "doubt": 0.0, "weakest": 0.0})
    most = fusion.logit({**some, "doubt": 1.0, "weakest": 1.0})
    assert least < fusion.logit(some) < most


@pytest.mark.parametrize("kind", Kind)
def test_every_sign_of_doubt_raises_the_risk(kind: Kind) -> None:
    fusion = bundled()[kind]
    for name in fusion.columns:
        assert fusion.risk({name: 0.9}) >= fusion.risk({name: 0.1})


def test_probabilities_of_the_samples_weigh_the_meanings() -> None:
    exchange = Exchange(
        "Where?",
        "Oslo",
        samples=("Bergen",),
        logprobs=(-0.01,),
        sample_logprobs=((-6.0,),),
    )
    even = Exchange("Where?", "Oslo", samples=("Bergen",))
    weighed = found(SemanticEntropy(MODELS), exchange).risk
    assert weighed < 0.05 < found(SemanticEntropy(MODELS), even).risk == pytest.approx(1.0)


def test_longer_prompts_are_harder_up_to_a_point() -> None:
    assert 0.0 == difficulty("") < difficulty("Where?") < difficulty("where " * 50)
    assert difficulty("where " * 500) == difficulty("where " * 5000) == 1.0


def test_parts_and_multiples_are_harder_than_sums() -> None:
    assert proportions("Tom has 3 apples and buys 4.") == 0.0
    assert 0.0 < proportions("A third of 12?") < proportions("Half of a third, twice, is 5 %?")
    assert proportions("half " * 8) == proportions("half " * 80) == 1.0


def test_longer_amounts_are_doubted_more() -> None:
    short, long = (
        signals(Exchange("How much?", answer, samples=("4",)), MODELS).values["bulk"]
        for answer in ("4", "3.3333")
    )
    assert 0.0 < short < long < 1.0


def test_the_bundled_models_tell_wording_from_meaning() -> None:
    question = "Which city is the capital of Norway?"
    same = ("The capital is Oslo.", "It is the city of Oslo.", "Norway's capital is called Oslo.")
    other = ("Bergen is the capital.", "The capital is Trondheim.", "Stavanger, on the coast.")
    agreed = Exchange(question, "Oslo is the capital of Norway.", samples=same)
    torn = Exchange(question, "Oslo is the capital of Norway.", samples=other)
    for detector in (Uncertainty(), SemanticEntropy(), SelfCheck()):
        assert found(detector, agreed).risk < found(detector, torn).risk


def test_the_bundled_models_have_the_shapes_promised() -> None:
    entailed = np.asarray(bundled_entailment([("Oslo is cold.", "Oslo is not warm.")] * 2))
    assert entailed.shape == (2, 3)
    assert entailed.sum(axis=1) == pytest.approx([1.0, 1.0], abs=1e-5)
    assert np.asarray(bundled_embedding(["Oslo", ""])).shape[0] == 2


def test_models_stay_out_of_the_audit() -> None:
    assert repr(Uncertainty(MODELS)) == "Uncertainty()"


def test_a_model_of_your_own_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sentence_transformers", None)
    with pytest.raises(MissingExtra, match="needs sentence-transformers") as caught:
        SentenceEncoder("nowhere/at-all")(["Oslo"])
    assert "pip install 'trustlayer[models]'" in caught.value.__notes__


def _chain(reply: Callable[[], Reply]) -> Model:
    return Model("cloud", lambda request: reply())


def test_one_verifier_serves_models_with_and_without_probabilities() -> None:
    policy = Policy(sampling=Sampling(count=3, clear=0.9), limit=0.5)
    for sample in (Reply("Oslo", logprobs=(-0.01,)), Reply("Oslo")):
        verifier = Verifier([Uncertainty(MODELS)], [_chain(lambda s=sample: s)], policy)  # type: ignore[misc]
        outcome = verifier.run("The capital of Norway?")
        assert outcome.action is Action.ACCEPT
        assert outcome.best is not None
        assert len(outcome.best.exchange.samples) == 3


def test_a_failing_sample_is_not_accepted() -> None:
    left = iter([Reply("Oslo"), Reply("Oslo")])
    policy = Policy(sampling=Sampling(count=3))
    outcome = Verifier([Uncertainty(MODELS)], [_chain(lambda: next(left))], policy).run("Where?")
    assert outcome.answer is None
    assert outcome.best is not None
    [failure] = outcome.best.unexamined
    assert failure.detector == "uncertainty"
    assert "sampling failed" in failure.reason


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply("True"), 0.0),
        (Reply(" False."), 1.0),
        (Reply("Yes, it is."), 0.0),
        (Reply("true", logprobs=(float(np.log(0.8)),)), pytest.approx(0.2)),
        (Reply("False", logprobs=(float(np.log(0.8)),)), pytest.approx(0.8)),
        (
            Reply("\nTrue", tokens=(Token("\n", -2.0), Token("True", float(np.log(0.9))))),
            pytest.approx(0.1),
        ),
        (Reply("I cannot tell"), None),
    ],
)
def test_p_true_is_read_from_the_reply(reply: Reply, expected: float | None) -> None:
    assert untruth(reply) == expected


def test_p_true_is_asked_of_any_model() -> None:
    asked: list[str] = []

    def model(text: str) -> str:
        asked.append(text)
        return "False"

    exchange = Exchange("Where?", "Oslo", samples=("Oslo", "Voss"))
    finding = found(AskedTruth(model), exchange)
    assert finding.risk == 1.0
    assert "brainstormed ideas:\nOslo\nVoss\n" in asked[0]
    assert asked[0] == truth_question(exchange)


def test_p_true_over_several_tries() -> None:
    replies = iter(["True", "False", "True", "who knows"])
    assert found(AskedTruth(lambda text: next(replies), tries=4), MATHS).risk == pytest.approx(
        1 / 3
    )


def test_a_model_that_will_not_say_has_not_examined() -> None:
    for detector in (AskedTruth(lambda text: "Perhaps."), AskedConfidence(lambda text: "Perhaps.")):
        [finding] = detector.examine([MATHS])
        assert isinstance(finding, Unexamined)
        assert "'Perhaps.'" in finding.reason


@pytest.mark.parametrize(
    ("text", "confidence"),
    [
        ("85%", 0.85),
        ("Confidence: 85 percent", 0.85),
        ("90", 0.9),
        ("0.7", 0.7),
        ("1.0", 1.0),
        ("100%", 1.0),
        ("0", 0.0),
        ("In 1889: 60%", 0.6),
        ("60% or 70%", None),
        ("250", None),
        ("high", None),
    ],
)
def test_stated_confidence(text: str, confidence: float | None) -> None:
    assert stated(text) == confidence


def test_stated_confidence_is_asked_for() -> None:
    finding = found(AskedConfidence(Model("cloud", _sure)), MATHS)
    assert finding.risk == pytest.approx(0.2)
    assert reasons(finding) == "the model states a confidence of 80%"


def _sure(request: Request) -> Any:
    assert "6 times 7?" in request.prompt
    return "80%"


def test_the_card_speaks_of_the_coefficients_that_are_there() -> None:
    folder = files("trustlayer_detectors") / "weights" / "uncertainty"
    card = json.loads((folder / "card.json").read_text("utf-8"))
    found = sha256((folder / "fusion.json").read_bytes()).hexdigest()
    assert card["files"]["fusion.json"]["sha256"] == found


def test_what_was_judged_by_can_be_examined_again_from_the_audit_row() -> None:
    exchange = Exchange(
        "Which city is the capital of Norway?",
        "Oslo",
        samples=("Oslo", "Bergen"),
        logprobs=(-0.2, -0.9),
        tokens=(Token("Os", -0.2, (-0.2, -2.0)), Token("lo", -0.9, (-0.9, -1.1))),
        sample_logprobs=((-0.1,), (-3.0, -0.5)),
    )
    detector = Uncertainty(MODELS)
    with AuditStore.create("sqlite://") as store:
        [outcome] = Verifier([detector], store=store).settle_all([exchange])
        [kept] = store.outcome(outcome.id).verdicts
    assert kept.exchange == exchange
    again = found(detector, kept.exchange)
    assert again == kept.findings["uncertainty"]
    assert "wavering" in reasons(again)
