"""What labels tell: samples with known chances, rates, calibration, alarms, gains."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from trustlayer import Action, Outcome
from trustlayer.audit import AuditStore, labelling, reports
from trustlayer.audit.draws import Draw, draws, record_draws
from trustlayer.audit.labels import Label, record_label
from trustlayer.audit.reports import Every, Scope
from trustlayer.audit.samples import Frame, sample
from trustlayer.audit.verification import verify
from trustlayer.drawing import Design
from trustlayer.errors import BadLine
from trustlayer.evaluation import evaluate
from trustlayer.judgements import parse_judged
from trustlayer.labelled import parse_labelled
from trustlayer.lines import exchange_of
from trustlayer.powered import Method

Run = Callable[..., Outcome]

MARCH = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def filled(store: AuditStore, run: Run) -> tuple[AuditStore, list[Outcome]]:
    """Sixty accepted answers with risks from 0 to 0.49, a day apart, after one held answer."""
    base, held = run("a."), run("a!", "a!", "a!", "a!")
    made = [_with_risk(base, n, n / 120) for n in range(60)]
    store.record(replace(held, started=MARCH), *made)
    return store, made


def _with_risk(outcome: Outcome, number: int, risk: float) -> Outcome:
    [attempt] = outcome.attempts
    assert attempt.verdict is not None
    findings = {n: replace(f, risk=risk) for n, f in attempt.verdict.findings.items()}
    verdict = replace(attempt.verdict, risk=risk, findings=findings)
    return replace(
        outcome,
        id=str(uuid.UUID(int=number)),
        started=MARCH + timedelta(days=number),
        attempts=(replace(attempt, verdict=verdict),),
    )


def _label(store: AuditStore, ids: Sequence[str], bad: Callable[[int], bool]) -> None:
    for id in ids:
        record_label(store, Label(id, 0, bad(uuid.UUID(id).int), "ann"))


def test_a_sample_is_logged_with_its_chances(filled: tuple[AuditStore, list[Outcome]]) -> None:
    store, _ = filled
    made = sample(store, 20, Design.RISK, seed=4)
    assert len({draw.outcome for draw in made.drawn}) == 20
    assert made.frame.size == 60
    logged = draws(store)
    assert {d.outcome: d.propensity for d in logged} == {
        d.outcome: d.propensity for d in made.drawn
    }
    for draw in logged:
        frame = Frame.read(draw.design)
        assert frame == made.frame
        risk = uuid.UUID(draw.outcome).int / 120
        assert frame is not None
        assert frame.propensity(risk) == pytest.approx(draw.propensity)
    assert list(verify(store)) == []
    again = sample(store, 20, Design.RISK, seed=4)
    assert [d.outcome for d in again.drawn] == [d.outcome for d in made.drawn]


def test_a_sample_of_a_scope_and_of_all(filled: tuple[AuditStore, list[Outcome]]) -> None:
    store, made = filled
    scope = Scope(since=made[40].started, until=made[50].started, model="small")
    drawn = sample(store, 99, Design.UNIFORM, scope).drawn
    assert {d.outcome for d in drawn} == {o.id for o in made[40:50]}
    assert {d.propensity for d in drawn} == {1.0}
    frame = Frame.read(drawn[0].design)
    assert frame is not None
    assert frame.holds(50, made[41].started, Action.ACCEPT, "small")
    for other in (
        (frame.upto + 1, made[41].started, Action.ACCEPT, "small"),
        (50, made[39].started, Action.ACCEPT, "small"),
        (50, made[50].started, Action.ACCEPT, "small"),
        (50, made[41].started, Action.HOLD, "small"),
        (50, made[41].started, Action.ACCEPT, "large"),
    ):
        assert not frame.holds(*other)
    with pytest.raises(ValueError, match="no outcome with the action 'refuse'"):
        sample(store, 3, action=Action.REFUSE)
    assert Frame.read("by hand") is None


def test_too_few_labels_give_no_interval(filled: tuple[AuditStore, list[Outcome]]) -> None:
    store, _ = filled
    _label(store, [d.outcome for d in sample(store, 12).drawn], lambda n: n % 2 == 0)
    [whole, *_] = reports.bad_rates(store)
    assert (whole.rate.value, whole.rate.low, whole.rate.method) == (None, None, Method.NONE)
    assert whole.rate.lacking.startswith("too few labels: 12, of which")
    assert (whole.rate.population, whole.rate.labels) == (60, 12)
    assert {one.lacking[:14] for one in reports.calibrations(store)} == {"too few labels"}


def test_rates_and_calibration_from_labels(filled: tuple[AuditStore, list[Outcome]]) -> None:
    store, made = filled
    _label(store, [d.outcome for d in sample(store, 60, Design.UNIFORM).drawn], lambda n: n > 40)
    record_label(store, Label(made[0].id, 0, True, "bob"))  # the later word counts
    record_label(store, Label(made[0].id, 0, False, "ann"))
    found = reports.bad_rates(store, every=Every.MONTH)
    whole = found[0]
    assert whole.rate.value == pytest.approx(19 / 60)
    assert whole.rate.low is not None
    assert whole.rate.low < 19 / 60 < (whole.rate.high or 0)
    assert [(one.kind, one.start and one.start.month) for one in found] == [
        ("all", None), ("month", 3), ("month", 4),
    ]  # fmt: skip
    april = found[2].rate
    assert (april.labels, april.bad, april.population) == (29, 19, 29)
    by_detector = reports.bad_rates(store, Scope(detector="_picky"))[0].rate
    assert by_detector.mean_risk == pytest.approx(sum(range(60)) / 120 / 60)
    picky, shouting = (
        next(c for c in reports.calibrations(store) if c.detector == name and c.start is None)
        for name in ("_picky", "_shouting")
    )
    assert picky.labels == shouting.labels == 60
    assert picky.gap is not None
    assert picky.gap.value == pytest.approx(sum(range(60)) / 120 / 60 - 19 / 60)
    assert picky.error is not None
    assert picky.error.low <= picky.error.value <= picky.error.high
    assert (picky.by_chance or 0) > 0


def test_chances_of_several_samples_add_up(filled: tuple[AuditStore, list[Outcome]]) -> None:
    store, made = filled
    first = sample(store, 30, Design.UNIFORM, seed=1)
    second = sample(store, 15, Design.UNIFORM, seed=2)
    one = first.drawn[0].outcome
    assert second.frame.size == 60
    record_label(store, Label(one, 0, True, "ann"))
    by_hand = next(o.id for o in made if o.id not in {d.outcome for d in draws(store)})
    record_draws(store, [Draw(by_hand, 0.5, "by hand")])
    record_label(store, Label(by_hand, 0, True, "ann"))
    lines = [json.loads(line) for line in labelling.lines(store)]
    both = 1 - (1 - 30 / 60) * (1 - 15 / 60)
    told = {line["id"]: line["propensity"] for line in lines}
    assert told[one] == pytest.approx(both)
    assert told[by_hand] == pytest.approx(1 - (1 - both) * 0.5)


def test_labels_that_were_not_drawn_are_left_out(filled: tuple[AuditStore, list[Outcome]]) -> None:
    store, made = filled
    _label(store, [o.id for o in made], lambda n: n > 40)
    whole = reports.bad_rates(store)[0]
    assert (whole.undrawn, whole.rate.labels, whole.rate.value) == (60, 0, None)
    assert reports.drift(store).watched == ()
    assert reports.calibrations(store)[0].weighted is False
    record_label(store, Label(made[0].id, 0, False, "ann", propensity=0.5))
    assert reports.bad_rates(store)[0].rate.labels == 1


def test_an_alarm_is_told_by_the_answer_that_raised_it(
    filled: tuple[AuditStore, list[Outcome]],
) -> None:
    store, made = filled
    _label(store, [d.outcome for d in sample(store, 60, Design.UNIFORM).drawn], lambda n: n >= 40)
    found = reports.drift(store, run_length=1000.0)
    assert (found.audited, found.bad) == (60, 20)
    assert made[40].started < found.alarms[0] <= made[46].started
    assert all(0.0 <= one.level <= 1.0 for one in found.watched)
    calm = reports.drift(store, Scope(until=made[40].started))
    assert (calm.alarms, calm.audited) == ((), 40)
    assert reports.drift(store, tolerated=0.6).alarms == ()


def test_gains_by_labels(store: AuditStore, run: Run) -> None:
    mended, spoiled, alone = run("a!", "a."), run("a!", "b."), run("a.")
    store.record(mended, spoiled, alone)
    for outcome, before, after in ((mended, True, False), (spoiled, False, True)):
        record_label(store, Label(outcome.id, 0, before, "ann"))
        record_label(store, Label(outcome.id, 1, after, "ann"))
    record_label(store, Label(alone.id, 0, True, "ann"))
    assert reports.labelled_gains(store) == reports.LabelledGains(2, 1, 1, 1, 1)


def test_lines_to_label_come_back_as_labels(filled: tuple[AuditStore, list[Outcome]]) -> None:
    store, _ = filled
    drawn = [d.outcome for d in sample(store, 3).drawn]
    waiting = list(labelling.to_label(store))
    assert [(one.outcome, one.why) for one in waiting[:3]] == [(id, "drawn") for id in drawn]
    assert [one.why for one in waiting[3:]] == ["held"]
    lines = [json.loads(str(one)) for one in waiting]
    assert all(0 < line["propensity"] <= 1 for line in lines[:3])
    assert [line["label"] for line in lines] == [None] * 4
    lines[0]["label"], lines[1]["label"] = 1, 0
    lines[0] |= {"spans": [{"start": 0, "end": 1}], "reason": "wrong", "who": "bob"}
    raw = [json.dumps(line) for line in lines]
    assert labelling.record_lines(store, [*raw, "\n"], "ann") == 2
    assert len(list(labelling.to_label(store))) == 2
    found = [json.loads(line) for line in labelling.lines(store)]
    assert [(line["id"], line["label"]) for line in found] == [(drawn[0], 1), (drawn[1], 0)]
    assert found[0]["spans"] == [{"start": 0, "end": 1}]
    for line in labelling.lines(store):
        fields = parse_labelled(line, 1)
        assert exchange_of(fields).ignored == ()
        assert parse_judged(line)[0].propensity == pytest.approx(fields.values["propensity"])


@pytest.mark.parametrize(
    "change",
    [
        {"label": 2},
        {"label": True},
        {"attempt": 0},
        {"propensity": 0},
        {"propensity": 1.5},
        {"id": None},
        {"spans": [{"start": 3, "end": 1}]},
    ],
)
def test_bad_labels_are_refused(change: dict[str, object]) -> None:
    line = {"id": "a", "attempt": 1, "label": 1} | change
    with pytest.raises(BadLine):
        labelling.parse_label(json.dumps(line), 1, "ann")


def test_weights_of_an_evaluation_undo_the_drawing() -> None:
    from trustlayer.judgements import Judgement

    some = [Judgement(n % 3 == 0, {"d": (n % 7) / 7}) for n in range(60)]
    twice = [replace(one, propensity=0.5 if one.bad else 1.0) for one in some]
    doubled = some + [one for one in some if one.bad]
    weighted = evaluate(twice, {"d": 0.5}, draws=0).parts[0].results[0]
    plain = evaluate(doubled, {"d": 0.5}, draws=0).parts[0].results[0]
    for name in ("auroc", "auprc", "f1", "balanced_accuracy"):
        one, other = getattr(weighted, name), getattr(plain, name)
        assert one.value == pytest.approx(other.value)
