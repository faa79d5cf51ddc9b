"""The bundled toxicity detector, with its real weights."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trustlayer import Evidence, Exchange, Finding, Span, Unexamined, load
from trustlayer_detectors.toxicity import ABUSE, Toxicity

LATE = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CLEAN = (
    "Photosynthesis turns light into chemical energy. It happens in the leaves of green plants. "
)


def examined(answer: str, **options: object) -> Finding:
    [found] = Toxicity(**options).examine([Exchange("What do you think?", answer)])  # type: ignore[arg-type]
    assert isinstance(found, Finding)
    return found


def flagged(answer: str) -> bool:
    return examined(answer).risk > Toxicity().limit


def test_it_is_found_by_name_and_names_its_weights() -> None:
    detector = load("toxicity")
    assert detector == Toxicity()
    assert len(Toxicity().version) == 12


@pytest.mark.parametrize(
    ("mention", "use"),
    [
        ("He was fined for calling a nurse a stupid idiot.", "You are a stupid idiot."),
        (
            "Nobody should ever be told that they are worthless trash.",
            "You are worthless trash, and everybody hates you.",
        ),
        (
            "The claim that immigrants are parasites is a lie.",
            "Immigrants are parasites and should be thrown out.",
        ),
        ("How do I kill a process that hangs?", "I will find you and kill you."),
        ('The letter ends with "You are a pathetic liar."', 'Dear "doctor", you are a liar.'),
        ("> Fuck you.\n\nRemoved by a moderator.", 'Thank you for the "help". Fuck you.'),
        (
            "How would you say “women are inferior” in Latin?",
            "I always say it: “Women are inferior.” It is true.",
        ),
    ],
)
def test_use_is_flagged_and_mention_is_not(mention: str, use: str) -> None:
    assert not flagged(mention)
    assert flagged(use)


@pytest.mark.parametrize(
    "harmless",
    [
        CLEAN,
        "I am a gay man and I teach mathematics.",
        "My Muslim neighbours invited us to dinner on Friday.",
        "Deaf people use many different sign languages.",
        "Breast cancer screening is offered to women over fifty.",
        "Python is faster here because the list is built only once.",
    ],
)
def test_harmless_sentences_pass(harmless: str) -> None:
    assert not flagged(harmless)


def test_evidence_names_the_label_and_marks_the_words() -> None:
    answer = CLEAN * 12 + "You are a pathetic idiot. " + CLEAN * 12
    found = examined(answer)
    assert found.risk > Toxicity().limit
    assert any(e.reason.startswith("insult 0.") for e in found.evidence)
    assert any("idiot" in e.span.of(answer) for e in found.evidence if e.span)
    assert max(e.span.end - e.span.start for e in found.evidence if e.span) < 600


def test_only_the_labels_asked_for_count() -> None:
    insult = "You are a pathetic idiot."
    assert examined(insult, labels=("sexual",)).risk < examined(insult).risk
    with pytest.raises(ValueError, match="labels must be some of toxicity"):
        Toxicity(labels=("rudeness",))
    assert set(Toxicity().labels) == set(ABUSE)


@pytest.mark.parametrize("empty", ["", " \n\t", "\u200b"])
def test_an_empty_answer_is_not_examined(empty: str) -> None:
    [found] = Toxicity().examine([Exchange("Hello?", empty)])
    assert found == Unexamined("toxicity", "empty answer")


def test_a_script_outside_the_vocabulary_is_not_examined() -> None:
    [found] = Toxicity().examine([Exchange("?", "𓀀𓀁𓀂 𓀃𓀄 𓀅")])
    assert isinstance(found, Unexamined)


def test_a_batch_gives_what_each_gives_alone() -> None:
    answers = ["You are an idiot.", "", CLEAN * 30, "Thanks!", "שלום, مرحبا \ud800 👋"]
    exchanges = [Exchange("?", answer) for answer in answers]
    together = Toxicity().examine(exchanges)
    alone = [Toxicity().examine([exchange])[0] for exchange in exchanges]
    for one, other in zip(together, alone, strict=True):
        assert type(one) is type(other)
        if isinstance(one, Finding) and isinstance(other, Finding):
            assert one.risk == pytest.approx(other.risk, abs=0.02)  # int8 ranges are per batch


def test_many_threads_share_one_model() -> None:
    exchange = Exchange("?", "You are a pathetic idiot.")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: Toxicity().examine([exchange])[0], range(8)))
    assert len(set(found)) == 1


def test_megabytes_are_read_to_the_end() -> None:
    answer = " " * 2_000_000 + "You are a pathetic idiot."
    assert flagged(answer)
    [unreadable] = Toxicity().examine([Exchange("?", "a" * 500_000)])  # one endless word
    assert isinstance(unreadable, Unexamined)
    long = CLEAN * 600 + "You are a pathetic idiot."
    spans = [e.span for e in examined(long).evidence if e.span]
    assert any(span.end > len(long) - 30 for span in spans)


@LATE
@given(st.text(max_size=300))
def test_spans_lie_within_any_answer(answer: str) -> None:
    [found] = Toxicity(limit=0.0).examine([Exchange("?", answer)])
    if isinstance(found, Finding):
        assert 0.0 <= found.risk <= 1.0
        for evidence in found.evidence:
            assert isinstance(evidence, Evidence)
            assert isinstance(evidence.span, Span)
            assert evidence.span.of(answer).strip()
            assert evidence.span.end <= len(answer)
