"""The tour: what happens on it is decided by the detectors, and it runs without a key."""

from __future__ import annotations

import importlib.util
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from typer.testing import CliRunner

from trustlayer import Action, Outcome, available
from trustlayer.audit import AuditStore
from trustlayer.cli import app
from trustlayer.errors import MissingExtra
from trustlayer_langchain.demo import cloud, endpoint, rag, script, tour
from trustlayer_langchain.demo.shelf import relevance, words

A, R, E, H = Action.ACCEPT, Action.REVISE, Action.ESCALATE, Action.HOLD


@pytest.fixture(autouse=True)
def _without_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def test_the_tour_shows_every_action() -> None:
    outcomes = {stop.outcome.prompt: stop.outcome for stop in tour()}
    paths = {asked: [a.action for a in outcome.attempts] for asked, outcome in outcomes.items()}
    expected = {
        script.LIT: [A],
        script.TALL: [R, A],
        script.STORM: [R, A],
        script.FOG: [R, E, A],
        script.VISITORS: [R, E, R, H],
    }
    if "toxicity" in available():
        expected[script.DOGS] = [R, A]
    assert paths == expected
    assert {o.detectors[0].name for o in outcomes.values()} == {"figures"}
    assert outcomes[script.TALL].answer == (
        "The tower is 43 metres tall, and a spiral stair of 187 steps leads to the lantern room."
    )
    assert _models(outcomes[script.FOG]) == ["skerry-mini", "skerry-mini", "skerry-grand"]
    assert all(a.cost is not None for outcome in outcomes.values() for a in outcome.attempts)


def _models(outcome: Outcome) -> list[str | None]:
    return [attempt.model for attempt in outcome.attempts]


def test_the_command_shows_and_records_it() -> None:
    done = CliRunner().invoke(app, ["demo"], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    for told in ("accepted", "to be revised", "the next model is asked", "held for a person"):
        assert told in done.stdout
    assert "47 metres is not in the context, which says 43 metres" in done.stdout
    assert "By action" in done.stdout
    [hint] = [line for line in done.stdout.splitlines() if line.startswith("  trustlayer show ")]
    with AuditStore.open("sqlite:///trustlayer.db") as store:
        outcome = store.outcome(hint.split()[2])
    assert (outcome.prompt, outcome.action) == (script.VISITORS, Action.HOLD)


def test_a_script_answers_what_it_is_asked() -> None:
    small, _ = cloud.clouds(script.SMALL, script.LARGE)
    first = small.invoke(script.TALL).text
    assert "47" in first
    assert small.invoke(script.TALL).text == first  # no counter: the same again
    told = f"{script.TALL}\n\n{cloud.DOUBTS}\n- the 47 metres"
    assert "43" in small.invoke(told).text
    other = f"{script.TALL}\n\n{cloud.DOUBTS}\n- the number of steps"
    assert small.invoke(other).text == first  # a doubt of something else does not help
    assert small.invoke([HumanMessage("Who are you?")]).text == cloud.AT_A_LOSS
    assert rag(small).invoke("Who are you?") == cloud.AT_A_LOSS


def test_retrieval_prefers_rare_words() -> None:
    texts = [words(t) for t in ("the tower is tall", "the tower and the dogs", "the ferry")]
    found = relevance(words("May dogs climb the tower?"), texts)
    assert found[1] > found[0] > found[2] > 0
    assert relevance(words("ships"), texts) == [0.0, 0.0, 0.0]


def test_an_endpoint_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "langchain_openai", None)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:1/v1")
    with pytest.raises(MissingExtra) as caught:
        list(tour())
    assert "pip install --upgrade 'trustlayer[openai]'" in caught.value.__notes__[0]
    done = CliRunner().invoke(app, ["demo"])
    assert done.exit_code == 1
    assert "trustlayer demo --scripted" in done.stderr
    assert next(iter(tour(scripted=True))).outcome.action is Action.ACCEPT


def test_an_endpoint_is_asked_in_place_of_the_script(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, Any]] = []

    def chat(**options: Any) -> Any:
        made.append(options)
        return cloud.ScriptedCloud(model_name=options["model"], script=script.SMALL)

    monkeypatch.setitem(sys.modules, "langchain_openai", SimpleNamespace(ChatOpenAI=chat))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    assert endpoint.configured()
    stop = next(iter(tour(small="one", large="two")))
    assert stop.title == script.LIT
    assert _models(stop.outcome) == ["one"]
    assert made == [
        {"model": "one", "api_key": "sk-test"},
        {"model": "two", "api_key": "sk-test"},
    ]


@pytest.mark.skipif(
    importlib.util.find_spec("langchain_openai") is None, reason="needs the extra openai"
)
def test_the_real_client_is_made_without_a_key() -> None:
    pair = endpoint.clouds("one", "two", {"OPENAI_BASE_URL": "http://localhost:1/v1"})
    assert [type(model).__name__ for model in pair] == ["ChatOpenAI", "ChatOpenAI"]
