from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from trustlayer import Action, Policy, Price, load
from trustlayer.cli import app
from trustlayer.curves import curves
from trustlayer.errors import BadLine
from trustlayer.recorded import Question, Rung, complete, parse_question, remembered
from trustlayer.rehearsal import Stage, figures, play, uses

PRICES = {"small": Price(1, 1), "other": Price(1, 1), "large": Price(20, 40)}


def row(number: int, **bad: int) -> dict[str, Any]:
    """A tower of its own height; who is *bad* gets it wrong."""
    height = 100 + number
    answers = [
        {
            "id": f"{number}-{name}",
            "model": name,
            "hallucinated": wrong,
            "text": f"By what I read, tower {number} is {height + 7 * wrong} m tall ({name}).",
        }
        for name, wrong in bad.items()
    ]
    return {
        "source_id": str(number),
        "question": f"How tall is tower {number}?",
        "context": f"Tower {number} is {height} m tall.",
        "responses": answers,
    }


ROWS = [row(n, small=int(n % 2 == 0), other=int(n % 4 == 0), large=0) for n in range(2, 26)]


@pytest.fixture(scope="module")
def questions() -> list[Question]:
    return [parse_question(json.dumps(r), n) for n, r in enumerate(ROWS, 1)]


def stage(questions: list[Question], *ladder: tuple[str, ...]) -> Stage:
    names = [name for rung in ladder for name in rung]
    exchanges = [question.exchange(name) for question in questions for name in names]
    rungs = [Rung(rung, {name: PRICES[name] for name in rung}) for rung in ladder]
    return Stage(questions, rungs, [remembered(load("figures"), exchanges)])


def test_wrong_answers_go_up_and_right_ones_stay(questions: list[Question]) -> None:
    played = play(stage(questions, ("small",), ("large",)), Policy(revisions=0))
    found = {name: figure.value for name, figure in figures(played, draws=50).items()}
    assert found["hallucinated_before"] == 0.5
    assert found["hallucinated_after"] == 0.0
    assert (found["fall"], found["delivered"], found["repaired"]) == (1.0, 1.0, 1.0)
    assert (found["spoiled"], found["held"]) == (0.0, 0.0)
    used = uses(played)
    assert (used["small"].calls, used["large"].calls) == (24, 12)
    assert used["large"].delivered == 12
    assert found["price"] == pytest.approx(sum(use.price for use in used.values()) / 24)


def test_a_revision_is_another_recorded_answer(questions: list[Question]) -> None:
    played = play(stage(questions, ("small", "other"), ("large",)), Policy(revisions=2))
    asked = [attempt.model for attempt in played[0].outcome.attempts]  # tower 2: other is right
    assert asked == ["small", "other"]
    asked = [attempt.model for attempt in played[2].outcome.attempts]  # tower 4: only large is
    assert asked == ["small", "other", "small", "large"]  # its second revision fails
    assert played[2].outcome.errors == ("LookupError: no further answer is recorded",)
    assert all(p.after is False for p in played)


def test_what_nobody_gets_right_is_held(questions: list[Question]) -> None:
    played = play(stage(questions, ("small",)), Policy(revisions=0))
    held = [p for p in played if p.delivered is None]
    assert len(held) == 12
    assert all(p.outcome.action is Action.HOLD for p in held)
    assert figures(played, draws=20)["hallucinated_after"].value == 0.0


def test_thrift_keeps_near_its_budget(questions: list[Question]) -> None:
    set_up = stage(questions * 20, ("small",), ("large",))
    played = play(set_up, Policy(limit=1.0, revisions=0), set_up.thrift(0.4))
    price = sum(p.cost for p in played) / len(played)
    assert price <= 0.44 * set_up.price_of("large")


def test_curves_run_from_the_weakest_to_the_strongest(questions: list[Question]) -> None:
    found = curves(stage(questions, ("small",), ("large",)), Policy(limit=1.0, revisions=0))
    assert found.ours[-1].hallucinated == found.alone["large"].hallucinated == 0.0
    assert found.alone["small"].hallucinated == 0.5
    assert found.oracle.hallucinated == 0.0
    assert found.over_coin.least >= -1e-9
    assert found.over_coin.mean > 0.05
    assert found.coverage[0] == (1 / 24, 0.0)
    assert found.coverage[-1] == (1.0, 0.5)


def test_questions_without_an_answer_of_the_ladder_are_left_out(questions: list[Question]) -> None:
    without = parse_question(json.dumps(row(99, small=0)), 1)
    assert complete([*questions, without], ["small", "large"]) == questions


@pytest.mark.parametrize("change", [{"hallucinated": None}, {"hallucinated": 2}, {"text": 3}])
def test_a_bad_row_is_told(change: dict[str, Any]) -> None:
    broken = row(1, small=0)
    broken["responses"][0] |= change
    with pytest.raises(BadLine):
        parse_question(json.dumps(broken), 1)


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["replay", *arguments])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "recorded.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, ROWS)).encode()))
    return str(path)


PRICED = ("--price", "small=1:1", "--price", "large=20:40", "--detector", "figures")


def test_json_and_picture(file: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    picture = tmp_path / "curves.png"
    code, shown, _ = run(
        file, "--ladder", "small,large", *PRICED, "--json", "--picture", str(picture)
    )
    assert code == 0
    found = json.loads(shown)
    for name in ("hallucinated_before", "hallucinated_after", "delivered", "spoiled"):
        assert 0.0 <= found[name] <= 1.0
    assert 0.0 < found["price"] < found["price_strongest"]
    assert found["questions"] == 24
    assert found["curves"]["ours"]
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_table(file: str) -> None:
    code, shown, _ = run(file, "--ladder", "small,large", *PRICED, "--policy", "limits")
    assert code == 0
    assert "24 questions (0 left out), small → large" in shown
    assert "always large" in shown


def test_an_unknown_price_is_wrong_usage(file: str) -> None:
    code, _, told = run(file, "--ladder", "small,large", "--detector", "figures")
    assert code == 2
    assert "no price is known of small, large" in told
    assert "--price small=IN:OUT" in told


def test_a_model_that_is_not_there_is_wrong_usage(file: str) -> None:
    code, _, told = run(file, "--detector", "figures")
    assert code == 2
    assert "models in the file: large, other, small" in told


def test_a_bad_price_is_wrong_usage(file: str) -> None:
    code, _, told = run(file, "--price", "small=cheap")
    assert code == 2
    assert "MODEL=IN:OUT" in told
