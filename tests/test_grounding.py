"""Grounding with the bundled models: what it finds, and what it survives."""

import json
import shutil
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trustlayer import Detector, Exchange, Finding, Unexamined
from trustlayer_detectors._models import weights
from trustlayer_detectors.grounding import Grounding

TOWER = (
    "The Eiffel Tower is 330 metres tall and stands on the Champ de Mars in Paris. "
    "It was built by Gustave Eiffel's company between 1887 and 1889 for the World's Fair. "
    "Its three levels are open to visitors, with restaurants on the first and second."
)
ASKED = "What is the Eiffel Tower?"
SOUND = "The Eiffel Tower, which is 330 metres tall, stands in Paris."
INVENTED = "Norwegian elephants painted it pink during the coronation of Queen Victoria."


def examine(answer: str, *context: str, prompt: str = ASKED) -> Finding:
    [finding] = Grounding().examine([Exchange(prompt, answer, context or (TOWER,))])
    assert isinstance(finding, Finding)
    return finding


def test_is_a_detector_that_needs_a_context() -> None:
    assert isinstance(Grounding(), Detector)
    assert Grounding.needs == ("context",)
    assert 0 < Grounding().limit < 1


def test_an_invented_sentence_is_riskier_than_a_sound_one() -> None:
    assert examine(SOUND).risk < Grounding().limit < examine(INVENTED).risk


def test_one_invented_sentence_among_sound_ones_is_found_and_pointed_at() -> None:
    answer = f"{SOUND} {INVENTED} It was built for the World's Fair."
    finding = examine(answer)
    begin = answer.index(INVENTED)
    spans = [item.span for item in finding.evidence if item.span is not None]
    assert finding.risk > examine(SOUND).risk
    assert any(begin <= span.start and span.end <= begin + len(INVENTED) for span in spans)


@pytest.mark.parametrize("answer", [INVENTED, "Elephants painted it. " * 40, "Rome, Oslo, Kyoto."])
def test_a_flagged_answer_has_evidence(answer: str) -> None:
    finding = examine(answer)
    assert finding.risk <= Grounding().limit or finding.evidence


def test_a_wrong_figure_is_evidence() -> None:
    answer = "The Eiffel Tower is 812 metres tall."
    reasons = [item.reason for item in examine(answer).evidence]
    assert any("812" in reason for reason in reasons)


def test_evidence_may_stand_in_any_passage() -> None:
    other = "Bananas are berries. They grow in bunches. Most are eaten raw or fried."
    alone, last = examine(SOUND, TOWER), examine(SOUND, other, other[::-1], TOWER)
    assert abs(alone.risk - last.risk) < 0.25
    assert last.risk < examine(SOUND, other).risk


def test_what_the_question_says_is_not_new() -> None:
    asked = examine("Norwegian elephants.", prompt="Who painted it, Norwegian elephants or cats?")
    assert asked.risk < examine("Norwegian elephants.").risk


@pytest.mark.parametrize("answer", ["", "  \n", "\t"])
def test_an_empty_answer_is_not_examined(answer: str) -> None:
    [found] = Grounding().examine([Exchange(ASKED, answer, (TOWER,))])
    assert found == Unexamined("grounding", "empty answer")


@pytest.mark.parametrize("context", [(), ("",), (" ", "\n")])
def test_without_context_nothing_is_examined(context: tuple[str, ...]) -> None:
    [found] = Grounding().examine([Exchange(ASKED, SOUND, context)])
    assert found == Unexamined("grounding", "no context to compare the answer with")


def test_findings_come_in_the_order_of_the_exchanges() -> None:
    answers = [SOUND, "", INVENTED, SOUND] * 10
    found = Grounding().examine([Exchange(ASKED, answer, (TOWER,)) for answer in answers])
    unexamined = [isinstance(finding, Unexamined) for finding in found]
    assert unexamined == [not answer for answer in answers]
    risks = [finding.risk for finding in found if isinstance(finding, Finding)]
    assert all(risks[place] < risks[place + 1] for place in range(0, len(risks), 3))


def test_nothing_to_examine() -> None:
    assert Grounding().examine([]) == []


def test_a_batch_changes_little() -> None:
    # Activations are quantised for a whole batch at once, so the last digits depend on it.
    exchanges = [Exchange(ASKED, a, (TOWER,)) for a in (SOUND, INVENTED, "It is in Rome.")]
    alone = [examine(exchange.answer).risk for exchange in exchanges]
    found = Grounding().examine(exchanges)
    together = [finding.risk for finding in found if isinstance(finding, Finding)]
    assert together == pytest.approx(alone, abs=0.15)


@pytest.mark.parametrize(
    "text",
    [
        "\ud800 lone \udfff surrogates", "\x00\x01\x02 control \x7f", "مرحبا بالعالم، كيف حالك؟",
        "a | b | c\n1 | 2 | 3", '{"height": 330, "city": "Paris"}', "x" * 5_000, "[SEP] [CLS]",
        "- one\n- two\n  1. three", "```\ncode\n```", "🗼" * 300, "\u202eright to left\u202c", ".",
    ],
)  # fmt: skip
def test_any_text_can_be_examined(text: str) -> None:
    for finding in (examine(text), examine(SOUND, text), examine(SOUND, prompt=text)):
        assert 0 <= finding.risk <= 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=50))
def test_evidence_lies_inside_the_answer(answer: str, context: str, prompt: str) -> None:
    [found] = Grounding().examine([Exchange(prompt, answer, (context,))])
    if isinstance(found, Finding):
        for item in found.evidence:
            assert item.span is None or 0 <= item.span.start < item.span.end <= len(answer)


def test_the_evidence_may_be_buried_in_a_long_context() -> None:
    filler = "".join(f"Paragraph {n} talks about the weather in month {n}. " for n in range(3_000))
    buried = filler[: len(filler) // 2] + TOWER + filler[len(filler) // 2 :]
    assert examine(SOUND, buried).risk < examine(INVENTED, buried).risk


def test_a_long_answer_is_read_to_its_end() -> None:
    answer = f"{SOUND} " * 300 + INVENTED
    spans = [item.span for item in examine(answer).evidence if item.span is not None]
    assert any(span.start >= answer.index(INVENTED) for span in spans)


def test_threads_share_the_models() -> None:
    risks: list[float] = []
    threads = [threading.Thread(target=lambda: risks.append(examine(SOUND).risk)) for _ in "1234"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(risks) == 4
    assert max(risks) - min(risks) < 0.15


def test_its_repr_is_short_and_its_options_are_fields() -> None:
    assert repr(Grounding()) == "Grounding(weights='')"
    assert Grounding() == Grounding()


def test_weights_of_ones_own_take_the_place_of_the_bundled_ones(tmp_path: Path) -> None:
    own = tmp_path / "own"
    for name in ("entailment", "grounding"):
        shutil.copytree(weights(name), own / name)
    exchange = Exchange("How tall is it?", "It is 400 m tall.", ("The tower is 324 m tall.",))
    bundled = Grounding()
    moved = Grounding(weights=str(own))
    assert moved.examine([exchange]) == bundled.examine([exchange])
    assert moved.version == bundled.version
    settings = json.loads((own / "grounding" / "calibration.json").read_text())
    (own / "grounding" / "calibration.json").write_text(json.dumps(settings | {"limit": 0.3}))
    other = tmp_path / "other"
    own.rename(other)
    assert Grounding(weights=str(other)).limit == 0.3
    assert Grounding(weights=str(other)).version != bundled.version  # voids its certificates


def test_a_folder_without_weights_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no folder 'grounding' of weights") as caught:
        Grounding(weights=str(tmp_path)).version  # noqa: B018
    assert any("trustlayer train" in note for note in caught.value.__notes__)
