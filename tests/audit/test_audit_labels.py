"""What people say of answers is kept, and becomes lines that calibrate takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from trustlayer import Outcome, Span
from trustlayer.audit import AuditStore
from trustlayer.audit.labels import Label, chosen, labelled, labels, record_label, written
from trustlayer.audit.verification import verify
from trustlayer.errors import UnknownOutcome
from trustlayer.labelled import parse_labelled
from trustlayer.lines import exchange_of

Run = Callable[..., Outcome]


def test_labels_come_back_in_order(store: AuditStore, run: Run) -> None:
    outcome = run("France!", "Fr\0nce!\ud800", "France.", store=store)
    said = [
        Label(outcome.id, 0, True, "ann", "no \0 \ud800 reason", (Span(2, 5), Span(5, 6)), 0.25),
        Label(outcome.id, 2, False, "bob", spans=()),
        Label(outcome.id, 0, False, "ann"),
    ]
    for label in said:
        record_label(store, label)
    run(store=store)
    assert labels(store, outcome.id) == said
    assert labels(store, "another") == []
    assert list(verify(store)) == []


def test_the_last_word_on_an_answer_counts(store: AuditStore, run: Run) -> None:
    one, two = run("France!", "France.", store=store), run(store=store)
    record_label(store, Label(one.id, 0, False, "ann"))
    record_label(store, Label(two.id, 0, False, "ann"))
    record_label(store, Label(one.id, 0, True, "bob", spans=(Span(0, 1),)))
    found = list(labelled(store))
    assert [(f.label.outcome, f.label.bad, f.model) for f in found] == [
        (two.id, False, "small"),
        (one.id, True, "small"),
    ]
    assert found[1].exchange == one.verdicts[0].exchange


def test_labelled_answers_become_lines(store: AuditStore, run: Run) -> None:
    outcome = run("Fr\ud800nce!", store=store)
    record_label(store, Label(outcome.id, 0, True, "ann", spans=(Span(2, 3),)))
    [found] = labelled(store)
    fields = parse_labelled(written(found), 1)
    line = exchange_of(fields)
    assert (line.id, line.exchange) == (outcome.id, outcome.verdicts[0].exchange)
    assert (line.ignored, fields.values["label"]) == ((), 1)
    assert json.loads(written(found))["spans"] == [{"start": 2, "end": 3}]


def test_what_cannot_be_labelled(store: AuditStore, run: Run) -> None:
    outcome = run()
    silent = replace(outcome.attempts[0], verdict=None, error="TimeoutError")
    store.record(replace(outcome, attempts=(silent,)))
    for id, attempt in ((outcome.id, 0), (outcome.id, 1), ("another", 0)):
        with pytest.raises(UnknownOutcome, match=f"has no answer {attempt} to label"):
            record_label(store, Label(id, attempt, True, "ann"))
    with pytest.raises(ValueError, match="propensity must lie in"):
        Label(outcome.id, 0, True, "ann", propensity=0.0)
    with pytest.raises(ValueError, match="a good answer has no bad spans"):
        Label(outcome.id, 0, False, "ann", spans=(Span(0, 1),))


def test_the_answer_that_is_meant(run: Run) -> None:
    assert chosen(run("France!", "France.")) == 1
    assert chosen(run("France.")) == 0
    assert chosen(replace(run(), attempts=())) is None
