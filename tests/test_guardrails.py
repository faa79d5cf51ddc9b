"""The validators in Guardrails itself: every action, streams, metadata, registration."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import sys
import warnings
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("guardrails", reason="needs the extra guardrails")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of what Guardrails imports
    from guardrails import AsyncGuard, Guard, OnFailAction
    from guardrails.errors import ValidationError
    from guardrails.settings import settings
    from guardrails.utils.hub_telemetry_utils import HubTelemetry
    from guardrails.validator_base import Validator, get_validator_class, register_validator
    from guardrails_ai.types import ErrorSpan, FailResult, PassResult

    from trustlayer_guardrails import (
        CannotStream,
        Certain,
        Grounded,
        Harmless,
        NonToxic,
        Trusted,
        aguard,
        as_detector,
        guard,
    )

from trustlayer import Evidence, Exchange, Finding, Model, Outcome, Policy, Unexamined, Verifier
from trustlayer.finding import FunctionDetector

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # Guardrails warns of its own ways
]


@pytest.fixture(autouse=True)
def _without_transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Guard imports it, and torch, only to see whether a plain function is a model of its."""
    monkeypatch.setitem(sys.modules, "transformers", None)


@pytest.fixture(autouse=True)
def _own_loop(request: pytest.FixtureRequest) -> Iterator[None]:
    """A Guard takes the current event loop, or makes one that it never closes."""
    if inspect.iscoroutinefunction(request.function):
        yield
        return
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


PLAIN = ["figures", "quotations"]
CONTEXT = {"context": ["The tower is 43 metres tall.", "It was first lit in 1884."]}
GOOD = "The tower is 43 metres tall. It was lit in 1884."
BAD = "The tower is 47 metres tall. It was lit in 1884."


def grounded(on_fail: Any = OnFailAction.NOOP, **options: Any) -> Grounded:
    return Grounded(detectors=PLAIN, on_fail=on_fail, **options)


def test_a_sound_answer_passes() -> None:
    outcome = guard(grounded("exception")).validate(GOOD, metadata=CONTEXT)
    assert (outcome.validation_passed, outcome.validated_output) == (True, GOOD)


def test_spans_say_what_is_doubted_and_why() -> None:
    made = guard(grounded())
    outcome = made.validate(BAD, metadata=CONTEXT)
    assert (outcome.validation_passed, outcome.validated_output) == (False, BAD)
    [span] = made.error_spans_in_output()
    assert BAD[span.start : span.end] == "47 metres"
    assert span.reason.startswith("figures: 47 metres is not in the context")


@pytest.mark.parametrize(
    ("action", "passed", "output"),
    [
        (OnFailAction.NOOP, False, BAD),
        (OnFailAction.FIX, True, "It was lit in 1884."),
        (OnFailAction.FIX_REASK, True, "It was lit in 1884."),
        (OnFailAction.FILTER, False, None),
        (OnFailAction.REFRAIN, False, None),
        ("fix", True, "It was lit in 1884."),
        (lambda value, result: result.error_message[:8], True, "Doubtful"),
    ],
)
def test_actions(action: Any, passed: bool, output: str | None) -> None:
    outcome = guard(grounded(action)).validate(BAD, metadata=CONTEXT)
    assert (outcome.validation_passed, outcome.validated_output) == (passed, output)


@pytest.mark.parametrize("action", [None, OnFailAction.EXCEPTION])
def test_an_exception_is_the_default(action: Any) -> None:
    with pytest.raises(ValidationError, match='"47 metres": figures: 47 metres is not in'):
        guard(grounded(action)).validate(BAD, metadata=CONTEXT)


def test_a_model_is_asked_again() -> None:
    asked: list[str] = []

    def cloud(*, messages: list[dict[str, str]], **kwargs: Any) -> str:
        asked.append(str(messages))
        return BAD if len(asked) == 1 else GOOD

    outcome = guard(grounded(OnFailAction.REASK))(
        cloud,
        messages=[{"role": "user", "content": "Tell me of the tower."}],
        metadata=CONTEXT,
        num_reasks=1,
    )
    assert (outcome.validation_passed, outcome.validated_output) == (True, GOOD)
    assert "47 metres is not in the context" in asked[1]


def test_the_metadata_reach_whatever_validates_next() -> None:
    first, second = grounded(), Certain(detectors=PLAIN, on_fail="noop")
    outcome = guard(first, second).validate(GOOD, metadata={**CONTEXT, "prompt": "How tall?"})
    assert outcome.validation_passed
    with pytest.raises(ValueError, match="context"):
        guard(grounded()).validate(GOOD, metadata={})
    with pytest.raises(TypeError, match="texts or documents, got int"):
        guard(grounded()).validate(GOOD, metadata={"context": [7]})


def test_documents_are_context_too() -> None:
    documents = [SimpleNamespace(page_content=text) for text in CONTEXT["context"]]
    assert guard(grounded()).validate(GOOD, metadata={"context": documents}).validation_passed
    assert guard(grounded()).validate("43 metres", metadata={"context": "43 metres"})


def test_limits_may_be_set() -> None:
    outcome = guard(grounded(limit=0.99)).validate(BAD, metadata=CONTEXT)
    assert outcome.validation_passed


def shy(exchange: Exchange) -> Unexamined:
    return Unexamined("shy", "would rather not")


def test_what_nobody_examined_fails() -> None:
    verifier = Verifier([FunctionDetector(shy, "shy")])
    made = guard(Trusted(verifier, on_fail="noop"))
    assert not made.validate(GOOD, metadata={}).validation_passed
    [span] = made.error_spans_in_output()
    assert span.reason == "unexamined by shy: would rather not"
    fixed = guard(Trusted(verifier, on_fail="fix")).validate(GOOD, metadata={})
    assert fixed.validated_output == ""


def whole(exchange: Exchange) -> Finding:
    sound = "43" in exchange.answer
    return Finding(0.0 if sound else 1.0, () if sound else (Evidence("nothing in it is right"),))


def test_a_verifier_of_ones_own_may_answer_anew() -> None:
    recorded: list[Outcome] = []
    store = SimpleNamespace(record=lambda *outcomes: recorded.extend(outcomes))
    cloud = Model.of(lambda text: "It is 43 metres tall.", "cloud")
    verifier = Verifier([FunctionDetector(whole, "whole")], models=[cloud], store=store)
    metadata = {**CONTEXT, "prompt": "How tall?"}
    outcome = guard(Trusted(verifier, on_fail="fix")).validate("It is tall.", metadata=metadata)
    assert outcome.validated_output == "It is 43 metres tall."
    assert [o.answer for o in recorded] == [None, "It is 43 metres tall."]
    hopeless = Verifier(
        [FunctionDetector(whole, "whole")], models=[lambda text: "No."], policy=Policy(revisions=0)
    )
    outcome = guard(Trusted(hopeless, on_fail="fix")).validate("It is tall.", metadata=metadata)
    assert outcome.validated_output == ""


def test_a_fix_is_itself_examined() -> None:
    seen: list[str] = []

    def strict(exchange: Exchange) -> Finding:
        seen.append(exchange.answer)
        return Finding(1.0, (Evidence("no"),))

    verifier = Verifier([FunctionDetector(strict, "strict")])
    outcome = guard(Trusted(verifier, on_fail="fix")).validate(BAD, metadata={})
    assert outcome.validated_output == ""
    assert seen == [BAD]  # nothing was left of it


def test_they_are_registered() -> None:
    for kind in (Grounded, NonToxic, Harmless, Certain, Trusted):
        assert get_validator_class(kind.rail_alias) is kind
    again = importlib.import_module("guardrails_ai.trustlayer")
    assert again.Grounded is Grounded


def test_no_telemetry_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HubTelemetry, "_instance", None)
    monkeypatch.setattr(settings.rc, "enable_metrics", True)
    grounded()
    assert HubTelemetry._instance is None
    assert settings.rc.enable_metrics is True
    guard(grounded()).validate(GOOD, metadata=CONTEXT)
    assert HubTelemetry._instance is None or HubTelemetry._instance._enabled is False


PIECES = ["The tower ", "is 47", " metres", " tall. ", "It was lit", " in 18", "84. "]
PIECES += ["It is\n", "so"]
WHOLE = "".join(PIECES)


def _streamed(made: Any, pieces: list[str] = PIECES) -> list[str]:
    def cloud(*args: Any, **kwargs: Any) -> Iterator[str]:
        yield from pieces

    asked = [{"role": "user", "content": "Tell me."}]
    found = made(cloud, messages=asked, metadata=CONTEXT, stream=True)
    return [outcome.validated_output or "" for outcome in found]


def test_a_stream_is_held_back_and_keeps_its_spaces() -> None:
    shown = _streamed(guard(grounded("fix")))
    assert "".join(shown) == "It was lit in 1884. It is\nso"
    assert not any("47" in piece for piece in shown)


@pytest.mark.parametrize("cut", [1, 2, 3, 7, 1000])
def test_a_sound_stream_comes_through_as_it_was(cut: int) -> None:
    text = 'The tower is 43 metres tall.  It was lit\nin 1884.\n\nSo it was! "It is." And so on'
    pieces = [text[start : start + cut] for start in range(0, len(text), cut)]
    assert "".join(_streamed(guard(Trusted(_lenient(), on_fail="fix")), pieces)) == text


def _lenient() -> Verifier:
    return Verifier([FunctionDetector(lambda exchange: Finding(0.0), "lenient")])


def test_with_noop_a_stream_is_only_observed() -> None:
    assert "".join(_streamed(guard(grounded("noop")))) == WHOLE


@pytest.mark.parametrize("action", ["exception", "refrain", "filter", "reask"])
def test_other_actions_refuse_to_stream(action: str) -> None:
    with pytest.raises(CannotStream, match=f"with on_fail='{action}'") as caught:
        _streamed(guard(grounded(action)))
    assert 'Grounded(on_fail="fix")' in caught.value.__notes__[0]


async def _awaited(made: Any, pieces: list[str] = PIECES) -> list[str]:
    async def chunks() -> AsyncIterator[str]:
        for piece in pieces:
            yield piece

    async def cloud(*args: Any, **kwargs: Any) -> Any:
        return SimpleNamespace(completion_stream=chunks())  # as LiteLLM gives it

    asked = [{"role": "user", "content": "Tell me."}]
    found = await made(cloud, messages=asked, metadata=CONTEXT, stream=True)
    return [outcome.validated_output or "" async for outcome in found]


async def test_an_awaited_stream_is_held_back_too() -> None:
    shown = await _awaited(aguard(grounded("fix")))
    assert "".join(shown) == "It was lit in 1884. It is\nso"
    assert not any("47" in piece for piece in shown)


async def test_a_plain_awaited_guard_loses_the_end_of_a_stream() -> None:
    # Guardrails never tells that such a stream has ended; `aguard` is there to mend it.
    shown = await _awaited(AsyncGuard().use(grounded("fix")))
    assert "".join(shown) == "It was lit in 1884. "


@pytest.mark.parametrize("cut", [1, 3, 1000])
async def test_a_sound_awaited_stream_comes_through_as_it_was(cut: int) -> None:
    text = 'The tower is 43 metres tall.  It was lit\nin 1884.\n\nSo it was! "It is." And so on'
    pieces = [text[start : start + cut] for start in range(0, len(text), cut)]
    made = aguard(Trusted(_lenient(), on_fail="fix"))
    assert "".join(await _awaited(made, pieces)) == text
    assert "".join(await _awaited(made, pieces)) == text  # one stream after the other


async def test_the_end_of_an_awaited_stream_is_examined() -> None:
    pieces = ["It was lit in 1884. ", "It is 47 ", "metres tall"]
    assert await _awaited(aguard(grounded("fix")), pieces) == ["It was lit in 1884. ", ""]
    both = aguard(grounded("fix"), Trusted(_lenient(), on_fail="noop"))
    assert "47" not in "".join(await _awaited(both, pieces))


@pytest.mark.parametrize("action", ["refrain", "filter", "fix", "fix_reask", "custom"])
async def test_every_action_holds_an_awaited_stream_back(action: str) -> None:
    def replaced(value: Any, result: Any) -> str:
        return "[left out] "

    on_fail: Any = replaced if action == "custom" else action
    shown = "".join(await _awaited(aguard(grounded(on_fail))))
    assert "47" not in shown
    assert "It was lit in 1884. It is\nso" in shown
    assert ("[left out]" in shown) is (action == "custom")


async def test_an_awaited_stream_that_fails_raises() -> None:
    with pytest.raises(Exception, match="47 metres is not in the context"):
        await _awaited(aguard(grounded("exception")))
    with pytest.raises(CannotStream, match="cannot go on in the middle of a stream"):
        await _awaited(aguard(grounded("reask")))


async def test_awaited_actions() -> None:
    for action, passed, output in [
        ("noop", False, BAD),
        ("fix", True, "It was lit in 1884."),
        ("fix_reask", True, "It was lit in 1884."),
        ("filter", False, None),
        ("refrain", False, None),
        (lambda value, result: result.error_message[:8], True, "Doubtful"),
    ]:
        outcome = await aguard(grounded(action)).validate(BAD, metadata=CONTEXT)
        assert (outcome.validation_passed, outcome.validated_output) == (passed, output), action
    with pytest.raises(ValidationError, match='"47 metres": figures: 47 metres is not in'):
        await aguard(grounded("exception")).validate(BAD, metadata=CONTEXT)


def test_streams_of_their_own_validators_do_not_mix() -> None:
    def told(number: int) -> str:
        pieces = [f"Tower {number} ", "is a tower. ", "It is ", f"number {number}"]
        return "".join(_streamed(guard(Trusted(_lenient(), on_fail="fix")), pieces))

    for number, text in enumerate(map(told, range(8))):
        assert text == f"Tower {number} is a tower. It is number {number}"


def test_a_guard_of_theirs_takes_them_too() -> None:
    assert Guard().use(grounded()).validate(GOOD, metadata=CONTEXT).validation_passed


@register_validator(name="tests/short", data_type="string")
class Short(Validator):  # type: ignore[misc]  # Guardrails ships no types
    """Somebody else's."""

    def _validate(self, value: Any, metadata: dict[str, Any]) -> Any:
        if "boom" in value:
            raise RuntimeError("it broke")
        if len(value) <= 10:
            return PassResult()
        spans = [ErrorSpan(start=10, end=len(value), reason="too much")]
        return FailResult(error_message="too long", error_spans=spans if " " in value else None)


def test_any_validator_is_a_detector() -> None:
    verifier = Verifier([as_detector(Short(on_fail="noop"))])
    short, long, solid, broken = verifier.verify_all(
        [Exchange("?", text) for text in ("Short.", "Rather a long one.", "x" * 11, "boom")]
    )
    assert short.action == "accept"
    [evidence] = long.findings["short"].evidence
    assert (evidence.reason, evidence.span and evidence.span.of("Rather a long one.")) == (
        "too much",
        "ong one.",
    )
    assert [e.reason for e in solid.findings["short"].evidence] == ["too long"]
    assert [u.reason for u in broken.unexamined] == ["raised RuntimeError: it broke"]
    twice = Verifier([as_detector(grounded(), name="again")])
    assert twice.verify(Exchange("?", GOOD, tuple(CONTEXT["context"]))).action == "accept"


INSULT = "Only a stupid, worthless idiot like you would have to ask."


def test_toxic_text_is_left_out() -> None:
    text = f"Dogs are welcome, on a lead. {INSULT}"
    outcome = guard(NonToxic(on_fail="fix")).validate(text, metadata={})
    assert outcome.validated_output == "Dogs are welcome, on a lead. "
    assert guard(NonToxic(on_fail="noop")).validate("Dogs are welcome.").validation_passed


def test_harm_and_certainty_need_what_they_need() -> None:
    made = guard(Certain(on_fail="noop"))
    metadata = {"prompt": "What is the capital of France?"}
    assert not made.validate("Paris.", metadata=metadata).validation_passed
    [span] = made.error_spans_in_output()
    assert span.reason.startswith("unexamined by uncertainty")
    agreeing = {**metadata, "samples": ["Paris.", "It is Paris.", "Paris, of course."]}
    assert made.validate("Paris.", metadata=agreeing).validation_passed
    calm = {"prompt": "How do I water a cactus?"}
    outcome = guard(Harmless(on_fail="noop")).validate("Seldom, and little.", metadata=calm)
    assert outcome.validation_passed
