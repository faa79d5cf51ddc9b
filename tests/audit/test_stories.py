"""One outcome's full story."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trustlayer import Outcome
from trustlayer.audit import AuditStore, review
from trustlayer.audit.draws import Draw, record_draws
from trustlayer.audit.labels import Label, record_label
from trustlayer.audit.samples import sample
from trustlayer.audit.stories import story
from trustlayer.cli import app
from trustlayer.errors import UnknownOutcome
from trustlayer.policy import Action

Run = Callable[..., Outcome]


@pytest.fixture
def told(tmp_path: Path, run: Run) -> Outcome:
    with AuditStore.create(f"sqlite:///{tmp_path}/trustlayer.db") as store:
        outcome = run("France!", "France!", "France!", "France!", store=store)
        sample(store, 1, action=Action.HOLD)
        record_draws(store, [Draw(outcome.id, 0.5, "by hand")])
        record_label(store, Label(outcome.id, 0, False, "ann", "fine \x1b[2J"))
        record_label(store, Label(outcome.id, 0, True, "bob", "shouts"))
        review.decide(store, outcome.id, "eve", review.Ruling(review.Choice.REJECT, reason="no"))
        found = story(store, outcome.id[:8])
        assert found.outcome == outcome
        assert [one.who for one in found.labels] == ["ann", "bob", "eve"]
        assert [one.propensity for one in found.draws] == [1.0, 0.5]
        assert found.decision is not None
        assert found.decision.choice is review.Choice.REJECT
        assert found.place.sequence == 1
        assert len(found.place.hash) == 64
        with pytest.raises(UnknownOutcome):
            story(store, "another")
    return outcome


def test_the_story_in_a_terminal(told: Outcome) -> None:
    done = CliRunner().invoke(app, ["show", told.id])
    assert done.exit_code == 0, done.output
    for line in (
        "entry 1 of chain",
        "drawn: with probability 1, one of 1 out of 1 outcomes, by risk",
        "drawn: with probability 0.5, design by hand",
        "labelled: attempt 1 is good, says ann: fine \\x1b[2J (overruled)",
        "decided: reject by eve: no",
    ):
        assert line in done.stdout.replace("\n", " ")


def test_the_story_as_json(told: Outcome) -> None:
    found = json.loads(CliRunner().invoke(app, ["show", told.id, "--json"]).stdout)
    assert [one["bad"] for one in found["labels"]] == [False, True, True]
    assert (found["decision"]["choice"], found["decision"]["answer"]) == ("reject", None)
    assert (len(found["attempts"]), found["place"]["sequence"]) == (4, 1)
