"""The capacity model: against formulas that are known, and against a simulated queue."""

from __future__ import annotations

import heapq
import json
import math
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from trustlayer import load
from trustlayer.capacity import Cost, Plan, cores_for, erlang_c, quantile
from trustlayer.cli import app
from trustlayer.measuring import measured, sample

EVEN = Cost((0.05,) * 20, 8, 0.3)


def test_erlangs_formula_gives_its_known_values() -> None:
    assert erlang_c(1, 0.7) == pytest.approx(0.7)  # M/M/1: it is busy
    assert erlang_c(2, 1.0) == pytest.approx(1 / 3)
    assert erlang_c(10, 8.0) == pytest.approx(0.409, abs=0.001)  # of Cooper's tables
    assert erlang_c(3, 3.0) == 1.0


@given(st.integers(1, 60), st.floats(0.01, 0.99))
def test_more_cores_never_wait_longer(cores: int, load: float) -> None:
    rate = load * cores / EVEN.mean
    assert Plan(EVEN, rate, cores).latency(0.95) >= Plan(EVEN, rate, cores + 1).latency(0.95)
    assert 0.0 <= Plan(EVEN, rate, cores).waits <= 1.0


def simulated(cost: Cost, rate: float, cores: int, share: float) -> float:
    """The latency of so many of 60,000 requests in a queue that is played through."""
    chance = random.Random(3)
    free = [0.0] * cores
    at, times = 0.0, []
    for _ in range(60_000):
        at += chance.expovariate(rate)
        end = max(at, heapq.heappop(free)) + chance.choice(cost.alone)
        heapq.heappush(free, end)
        times.append(end - at)
    return quantile(times, share)


@pytest.mark.parametrize("cores", [1, 2, 8])
@pytest.mark.parametrize("load", [0.4, 0.8])
@pytest.mark.parametrize("alone", [(0.05,), (0.02, 0.03, 0.05, 0.2)])
def test_the_model_is_near_a_queue_that_is_played(
    cores: int, load: float, alone: tuple[float, ...]
) -> None:
    cost = Cost(alone, 1, 0.05)
    rate = load * cores / cost.mean
    played = simulated(cost, rate, cores, 0.95)
    assert Plan(cost, rate, cores).latency(0.95) == pytest.approx(played, rel=0.15)


@given(st.floats(0.5, 5000.0), st.floats(0.06, 2.0))
def test_the_fewest_cores_are_found(rate: float, seconds: float) -> None:
    plan = cores_for(EVEN, rate, seconds, 0.95)
    assert plan.within(seconds) >= 0.95
    assert plan.cores == 1 or Plan(EVEN, rate, plan.cores - 1).within(seconds) < 0.95


def test_overload_has_no_latency() -> None:
    plan = Plan(EVEN, 100.0, 2)
    assert plan.load == pytest.approx(2.5)
    assert (plan.latency(0.5), plan.within(9.0)) == (math.inf, 0.0)
    assert plan.saturated == pytest.approx(2 / 0.0375)


def test_what_no_number_of_cores_can_do_is_said() -> None:
    with pytest.raises(ValueError, match="gives 0% of the answers within 40 ms; expected 95%"):
        cores_for(EVEN, 1.0, 0.04, 0.95)
    with pytest.raises(ValueError, match="a rate and a latency above 0"):
        cores_for(EVEN, 0.0, 1.0, 0.95)
    with pytest.raises(ValueError, match="measured times above 0 s"):
        Cost((), 1, 1.0)


def test_costs_are_measured() -> None:
    exchanges = sample(20)
    assert len({exchange.answer for exchange in exchanges}) > 1
    cost = measured([load("figures")], exchanges, 4)
    assert (len(cost.alone), cost.batch) == (20, 4)
    assert cost.batched <= cost.mean


def test_the_command_says_how_many_cores(tmp_path: Path) -> None:
    given = tmp_path / "answers.jsonl"
    given.write_text('{"answer": "It is 7 m.", "context": "It is 7 m tall."}\n' * 12)
    arguments = ["capacity", "--rps", "20", "--latency", "2000", "-d", "figures"]
    shown = CliRunner().invoke(app, [*arguments, "--answers", "10"])
    assert shown.exit_code == 0, shown.stderr
    assert "answer 20 requests a second" in shown.stdout
    assert "answers of our own" in shown.stderr
    done = CliRunner().invoke(app, [*arguments, "--sample", str(given), "--json"])
    assert json.loads(done.stdout)["measured"] == 12
    assert json.loads(done.stdout)["cores"] >= 1


def test_the_command_says_what_cannot_be(tmp_path: Path) -> None:
    arguments = ["capacity", "--rps", "20", "--latency", "0.1", "-d", "grounding"]
    done = CliRunner().invoke(app, [*arguments, "--answers", "10"])
    assert done.exit_code == 1
    assert "no number of cores makes one answer faster" in done.stderr
    (tmp_path / "none.jsonl").write_text("")
    empty = CliRunner().invoke(app, [*arguments, "--sample", "none.jsonl"])
    assert "none.jsonl holds no answer" in empty.stderr
