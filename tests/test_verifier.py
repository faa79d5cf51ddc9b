from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pytest

from trustlayer import (
    Action,
    Evidence,
    Exchange,
    Finding,
    Model,
    Outcome,
    Policy,
    Price,
    Reply,
    Request,
    Span,
    Verifier,
    detector,
)


@detector
def lies(exchange: Exchange) -> Finding:
    """The share of the words that are 'lie', each pointed at."""
    at = [i for i in range(len(exchange.answer)) if exchange.answer.startswith("lie", i)]
    evidence = tuple(Evidence("a lie", Span(i, i + 3)) for i in at)
    return Finding(min(1.0, len(at) / 4), evidence)


@detector
def broken(exchange: Exchange) -> Finding:
    raise RuntimeError("no weights")


@dataclass
class Memory:
    """A store that keeps outcomes in a list."""

    outcomes: list[Outcome] = field(default_factory=list)

    def record(self, *outcomes: Outcome) -> None:
        self.outcomes += outcomes


def says(*answers: str, name: str = "cloud") -> Model:
    """A model that gives these answers in turn, and fails when asked once more."""
    left = iter(answers)
    return Model.of(lambda _: next(left), name)


POLICY = Policy(limit=0.1)


def verifier(*models: Model, policy: Policy = POLICY) -> tuple[Verifier, Memory]:
    memory = Memory()
    return Verifier([lies], models, policy, memory), memory


Driver = Callable[[Verifier, str], Outcome]


def sync(verifier: Verifier, prompt: str) -> Outcome:
    return verifier.run(prompt, ["a passage"])


def awaited(verifier: Verifier, prompt: str) -> Outcome:
    return asyncio.run(verifier.arun(prompt, ["a passage"]))


drivers = pytest.mark.parametrize("drive", [sync, awaited])


def path(outcome: Outcome) -> list[tuple[str | None, str, bool]]:
    return [(a.model, a.action.value, a.kept) for a in outcome.attempts]


@drivers
def test_a_sound_answer_is_accepted_at_once(drive: Driver) -> None:
    made, memory = verifier(says("the truth"))
    outcome = drive(made, "p")
    assert outcome.answer == "the truth"
    assert path(outcome) == [("cloud", "accept", True)]
    assert memory.outcomes == [outcome]


@drivers
def test_a_bad_answer_is_revised_with_the_evidence_spelled_out(drive: Driver) -> None:
    asked: list[Request] = []

    def ask(request: Request) -> str:
        asked.append(request)
        return "the truth" if request.advice else "a lie"

    made, _ = verifier(Model("cloud", ask))
    outcome = drive(made, "why?")
    assert outcome.answer == "the truth"
    assert path(outcome) == [("cloud", "revise", True), ("cloud", "accept", True)]
    assert asked[0] == Request("why?", ("a passage",))
    assert asked[1].draft == "a lie"
    assert '"lie": a lie' in asked[1].advice
    assert "a passage" in asked[1].text


@drivers
def test_the_ladder_is_climbed_and_the_best_answer_held(drive: Driver) -> None:
    made, memory = verifier(
        says("lie", "lie lie", name="small"), says("lie lie lie", "lie lie", name="large")
    )
    outcome = drive(made, "p")
    assert path(outcome) == [
        ("small", "revise", True),
        ("small", "escalate", False),  # a revision is kept only if its risk fell
        ("large", "revise", False),
        ("large", "hold", False),
    ]
    assert outcome.answer is None
    assert outcome.best is not None
    assert outcome.best.exchange.answer == "lie"
    assert memory.outcomes == [outcome]


def test_a_revision_is_asked_of_the_best_answer_so_far() -> None:
    drafts: list[str] = []
    answers = iter(["lie", "lie lie", "fine"])

    def ask(request: Request) -> str:
        drafts.append(request.draft)
        return next(answers)

    made, _ = verifier(Model("cloud", ask), policy=Policy(limit=0.1, revisions=2))
    assert made.run("p").answer == "fine"
    assert drafts == ["", "lie", "lie"]


@drivers
def test_a_model_that_raises_is_an_attempt_and_the_next_is_asked(drive: Driver) -> None:
    def fail(_: str) -> str:
        raise ConnectionError("rate limit")

    made, _ = verifier(Model.of(fail, "small"), says("fine", name="large"))
    outcome = drive(made, "p")
    assert outcome.answer == "fine"
    assert path(outcome) == [("small", "escalate", False), ("large", "accept", True)]
    assert outcome.errors == ("ConnectionError: rate limit",)


@drivers
def test_when_no_model_answers_there_is_nothing_to_hold(drive: Driver) -> None:
    made, memory = verifier(says())
    outcome = drive(made, "p")
    assert outcome.action is Action.REFUSE
    assert outcome.answer is None
    assert outcome.best is None
    assert memory.outcomes == [outcome]


@drivers
def test_what_failed_to_be_examined_is_never_accepted(drive: Driver) -> None:
    models = [says("fine", name="small"), says("fine", name="large")]
    outcome = drive(Verifier([lies, broken], models, POLICY), "p")
    assert path(outcome) == [("small", "escalate", True), ("large", "hold", False)]
    assert outcome.verdicts[0].unexamined[0].reason == "raised RuntimeError: no weights"
    assert outcome.verdicts[0].risk == 1.0
    tolerant = Policy(limit=0.1, tolerated=frozenset({"broken"}))
    assert drive(Verifier([lies, broken], [says("fine")], tolerant), "p").answer == "fine"


@drivers
def test_a_store_that_cannot_record_withholds_the_answer(drive: Driver) -> None:
    class Full:
        def record(self, *outcomes: Outcome) -> None:
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        drive(Verifier([lies], [says("fine")], POLICY, Full()), "p")


def test_ctrl_c_leaves_a_complete_trail() -> None:
    def interrupt(_: str) -> str:
        raise KeyboardInterrupt

    made, memory = verifier(says("lie", "lie", name="small"), Model.of(interrupt, "large"))
    with pytest.raises(KeyboardInterrupt):
        made.run("p")
    [outcome] = memory.outcomes
    assert outcome.interrupted == "interrupted by KeyboardInterrupt"
    assert outcome.action is Action.REFUSE
    assert [a.model for a in outcome.attempts] == ["small", "small", "large"]


async def test_a_cancelled_task_leaves_a_complete_trail() -> None:
    asked = asyncio.Event()

    async def hang(_: str) -> str:
        asked.set()
        await asyncio.sleep(3600)
        return "late"

    made, memory = verifier(Model.of(hang, "cloud"))
    task = asyncio.create_task(made.arun("p"))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    [outcome] = memory.outcomes
    assert outcome.interrupted == "interrupted by CancelledError"
    assert path(outcome) == [("cloud", "refuse", False)]


def test_an_interrupted_examination_keeps_the_answer_unexamined() -> None:
    @detector
    def impatient(exchange: Exchange) -> Finding:
        raise KeyboardInterrupt

    memory = Memory()
    with pytest.raises(KeyboardInterrupt):
        Verifier([impatient], [says("fine")], store=memory, timeout=None).run("p")
    [outcome] = memory.outcomes
    assert outcome.verdicts[0].exchange.answer == "fine"
    assert outcome.verdicts[0].unexamined[0].reason == "interrupted by KeyboardInterrupt"
    assert outcome.answer is None


async def test_coroutine_models_are_awaited_and_need_arun() -> None:
    async def ask(text: str) -> str:
        return "fine"

    made, _ = verifier(Model.of(ask))
    assert (await made.arun("p")).answer == "fine"
    outcome = await asyncio.to_thread(made.run, "p")
    assert "is asynchronous" in outcome.errors[0]


def test_a_batch_runs_abreast() -> None:
    sizes: list[int] = []

    @dataclass(frozen=True)
    class Counting:
        name: str = "counting"

        def examine(self, exchanges: Iterable[Exchange], /) -> list[Finding]:
            batch = list(exchanges)
            sizes.append(len(batch))
            return [Finding(float(e.answer.startswith("draft"))) for e in batch]

    def ask(request: Request) -> str:
        if request.prompt == "3":
            raise OSError("down")
        return request.prompt if request.advice or request.prompt in "01" else "draft"

    memory = Memory()
    made = Verifier([Counting()], [Model("cloud", ask)], store=memory)
    outcomes = made.run_all([Request(str(n)) for n in range(5)])
    assert [o.answer for o in outcomes] == ["0", "1", "2", None, "4"]
    assert sizes == [4, 2]
    assert memory.outcomes == outcomes


async def test_two_hundred_runs_at_once() -> None:
    async def ask(text: str) -> str:
        await asyncio.sleep(0)
        return f"{text} is fine"

    made, memory = verifier(Model.of(ask))
    outcomes = await asyncio.gather(*(made.arun(str(n)) for n in range(200)))
    assert [o.answer for o in outcomes] == [f"{n} is fine" for n in range(200)]
    assert len({o.id for o in memory.outcomes}) == 200


def test_context_variables_reach_models_and_detectors() -> None:
    here = contextvars.ContextVar("here", default="lost")
    seen: list[str] = []

    @detector
    def look(exchange: Exchange) -> Finding:
        seen.append(here.get())
        return Finding(0.0)

    def ask(_: str) -> str:
        seen.append(here.get())
        return "fine"

    here.set("found")
    Verifier([look], [ask]).run_all([Request("a"), Request("b")])
    assert set(seen) == {"found"}


def test_given_answers_are_settled_and_recorded() -> None:
    memory = Memory()
    made = Verifier([lies], policy=POLICY, store=memory)
    verdicts = made.verify_all([Exchange("p", "fine"), Exchange("p", "lie")])
    assert [v.action for v in verdicts] == [Action.ACCEPT, Action.HOLD]
    assert [o.answer for o in memory.outcomes] == ["fine", None]
    assert [o.attempts[0].model for o in memory.outcomes] == [None, None]
    assert made.verify(Exchange("p", "fine")).findings == {"lies": Finding(0.0)}
    assert made.verify_all([]) == []


def test_prices_and_tokens_are_recorded() -> None:
    def ask(_: Request) -> Reply:
        return Reply("fine", tokens_in=1_000_000, tokens_out=500_000)

    made, _ = verifier(Model("cloud", ask, Price(2.0, 4.0)))
    [attempt] = made.run("p", correlation={"ticket": "7"}).attempts
    assert (attempt.cost, attempt.tokens_in, attempt.tokens_out) == (4.0, 1_000_000, 500_000)
    unpriced, _ = verifier(Model("cloud", ask))
    assert unpriced.run("p").attempts[0].cost is None


def test_passages_that_the_model_found_are_the_context() -> None:
    made, _ = verifier(Model("cloud", lambda _: Reply("fine", context=("found",))))
    assert made.run("p", ["given"]).verdicts[0].exchange.context == ("found",)


def test_a_model_that_answers_nonsense_is_named() -> None:
    made, _ = verifier(Model("cloud", lambda _: 3))  # type: ignore[arg-type, return-value]
    assert made.run("p").errors == (
        "TypeError: 'cloud' must answer with a str or a Reply, got int",
    )


def test_a_verifier_refuses_what_cannot_work() -> None:
    with pytest.raises(ValueError, match="at least one detector"):
        Verifier([])
    with pytest.raises(ValueError, match="got twice: lies"):
        Verifier([lies, lies])
    with pytest.raises(ValueError, match="no model to ask") as caught:
        Verifier([lies]).run("p")
    assert "verify()" in caught.value.__notes__[0]


def test_what_examined_and_under_which_policy_is_part_of_the_outcome() -> None:
    made, _ = verifier(says("fine"))
    outcome = made.run("p")
    assert [(d.name, d.version) for d in outcome.detectors] == [("lies", "0")]
    assert "limit=0.1" in outcome.policy
    assert "0x" not in outcome.detectors[0].options  # nothing that differs from run to run


def test_the_advice_is_bounded_and_names_detectors_without_evidence() -> None:
    @detector
    def vague(exchange: Exchange) -> Finding:
        return Finding(float(not exchange.prompt))

    asked: list[Request] = []

    def ask(request: Request) -> str:
        asked.append(request)
        return "lie " * 50

    Verifier([lies, vague], [Model("cloud", ask)], POLICY).run("")
    assert asked[1].advice.count("\n- ") <= 12
    assert "the answer as a whole (vague)" in asked[1].advice
