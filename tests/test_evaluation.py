"""Measures of detectors, on their own and through ``trustlayer evaluate``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from trustlayer import Exchange, Span
from trustlayer.cli import app
from trustlayer.errors import BadLine
from trustlayer.evaluation import TOGETHER, column, evaluate
from trustlayer.judgements import (
    Judgement,
    Overlap,
    novelty,
    parse_judged,
    parse_judged_replay,
)
from trustlayer.metrics import (
    Flags,
    Floats,
    Interval,
    auprc,
    auroc,
    auroc_within,
    balanced_accuracy_above,
    bootstrap,
    calibration_error,
    f1_above,
)

pairs = st.lists(st.tuples(st.integers(0, 8), st.booleans(), st.integers(0, 3)), min_size=2)


def arrays(found: list[tuple[int, bool, int]]) -> tuple[Floats, Flags, Floats]:
    risks, bad, weights = zip(*found, strict=True)
    return np.array(risks) / 8, np.array(bad), np.array([weights], dtype=float)


@given(pairs)
def test_the_measures_are_those_of_scikit_learn(found: list[tuple[int, bool, int]]) -> None:
    theirs = pytest.importorskip("sklearn.metrics")
    risks, bad, weights = arrays(found)
    present = weights[0] > 0
    if len(set(bad[present])) < 2:
        assert np.isnan(auroc(risks, bad, weights)[0])
        return
    given = {"sample_weight": weights[0]}
    assert auroc(risks, bad, weights)[0] == pytest.approx(theirs.roc_auc_score(bad, risks, **given))
    assert auprc(risks, bad, weights)[0] == pytest.approx(
        theirs.average_precision_score(bad, risks, **given)
    )
    above = risks > 0.5
    assert f1_above(0.5)(risks, bad, weights)[0] == pytest.approx(
        theirs.f1_score(bad, above, **given)
    )
    assert balanced_accuracy_above(0.5)(risks, bad, weights)[0] == pytest.approx(
        theirs.balanced_accuracy_score(bad, above, **given)
    )


@given(pairs)
def test_weights_are_repetitions(found: list[tuple[int, bool, int]]) -> None:
    risks, bad, weights = arrays(found)
    times = weights[0].astype(int)
    often, ones = np.repeat(risks, times), np.ones((1, times.sum()))
    for measure in (auroc, auprc, f1_above(0.3), balanced_accuracy_above(0.3)):
        if len(often):
            repeated = measure(often, np.repeat(bad, times), ones)
            np.testing.assert_allclose(measure(risks, bad, weights), repeated)


def test_the_calibration_error_is_nought_for_true_probabilities() -> None:
    source = np.random.default_rng(0)
    risks = source.random(20_000)
    bad = source.random(20_000) < risks
    ones = np.ones((1, len(risks)))
    assert calibration_error(risks, bad, ones)[0] < 0.02
    assert calibration_error(risks / 2, bad, ones)[0] == pytest.approx(0.25, abs=0.02)
    assert calibration_error(np.full(4, 0.5), np.array([1, 1, 0, 0]) > 0, ones[:, :4])[0] == 0.0


def test_within_pieces_only_their_own_pairs_count() -> None:
    risks, bad = np.array([0.9, 0.8, 0.2, 0.1]), np.array([False, True, False, True])
    first = np.array([True, True, False, False])
    ones = np.ones((1, 4))
    assert auroc_within([first, ~first], risks, bad, ones)[0] == 0.0
    assert auroc(risks, bad, ones)[0] == 0.25
    assert np.isnan(auroc_within([bad, ~bad], risks, bad, ones)[0])


def test_whole_groups_are_resampled() -> None:
    truth = {"share": lambda weights: weights @ np.repeat([0.0, 1.0], 50) / weights.sum(axis=1)}
    alone = bootstrap(truth, [str(n) for n in range(100)])["share"]
    two = bootstrap(truth, ["a"] * 50 + ["b"] * 50)["share"]
    assert alone.value == two.value == 0.5
    assert alone.low == pytest.approx(0.4, abs=0.03)
    assert alone.high == pytest.approx(0.6, abs=0.03)
    assert (two.low, two.high) == (0.0, 1.0)
    assert alone == bootstrap(truth, [str(n) for n in range(100)])["share"]


def test_an_interval_that_is_not_known_is_not_a_number() -> None:
    [missing] = bootstrap({"a": lambda weights: weights[:, 0]}, []).values()
    assert np.isnan(missing.value)
    assert str(missing) == "-"
    assert str(Interval(0.5, 0.4, 0.6)) == "0.500 (0.400-0.600)"


def answers() -> list[Judgement]:
    return [
        Judgement(
            bad=n % 2 == 1,
            risks={"sharp": 0.9 if n % 2 else 0.1, **({"dull": 0.4} if n != 3 else {})},
            length=n,
            group=str(n // 4),
            model="ab"[n % 4 // 2],
            overlaps={"sharp": Overlap(2, 3, 4 if n % 2 else 0)},
        )
        for n in range(40)
    ]


def test_an_evaluation_has_all_parts() -> None:
    made = evaluate(answers(), {"sharp": 0.5, "dull": 0.3}, draws=50)
    assert [part.title for part in made.parts] == ["all", "model a", "model b"]
    results = {result.name: result for result in made.parts[0].results}
    assert list(results) == ["sharp", "dull", TOGETHER, "length", "novelty"]
    assert results["sharp"].auroc == Interval(1.0, 1.0, 1.0)
    assert results["sharp"].f1 == Interval(1.0, 1.0, 1.0)
    assert results["sharp"].span_f1 is not None
    assert results["sharp"].span_f1.value == pytest.approx(2 * 80 / (120 + 80))
    assert (results["dull"].examined, results["dull"].unexamined) == (39, 1)
    assert results["dull"].auroc.value == 0.5
    assert results[TOGETHER].unexamined == 1
    assert results["length"].limit is None
    assert results["length"].f1 is None
    assert made.within["model"]["sharp"].value == 1.0
    assert "dataset" not in made.within


def test_answers_are_ordered_by_falling_risk() -> None:
    risks, bad, kept = column(answers(), "sharp")
    assert list(risks) == sorted(risks, reverse=True)
    assert [answer.bad for answer in kept] == list(bad)


def test_there_must_be_answers() -> None:
    with pytest.raises(ValueError, match="no answer to evaluate on"):
        evaluate([], {"sharp": 0.5})


def test_novelty_is_the_share_of_new_words() -> None:
    assert novelty(Exchange("", "The cat sat there", ("the CAT",))) == 0.5
    assert novelty(Exchange("", "", ())) == 0.0


def test_judged_lines_are_read() -> None:
    [judged] = parse_judged(
        '{"answer": "so LOUD", "label": 1, "group": 7, "model": "m", '
        '"spans": [{"start": 3, "end": 7, "kind": "x"}]}'
    )
    assert (judged.bad, judged.group, judged.model, judged.dataset) == (True, "7", "m", "")
    assert judged.spans == (Span(3, 7),)
    [judged] = parse_judged('{"answer": "calm", "label": 0}')
    assert (judged.bad, judged.spans) == (False, None)


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ("", "expected 1 for a bad answer"),
        (', "label": 2', "the number 2 as 'label'"),
        (', "label": "1"', "a string as 'label'"),
        (', "label": 1, "model": []', "a list as 'model'"),
        (', "label": 1, "spans": [[0, 1]]', r"a list as 'spans\[0\]'"),
        (', "label": 1, "spans": [{"start": 0}]', "null as 'end'"),
        (', "label": 1, "spans": [{"start": 0, "end": 2}]', "ends at 2 of an answer of 1"),
    ],
)
def test_bad_labels_are_named(members: str, complaint: str) -> None:
    with pytest.raises(BadLine, match=complaint):
        parse_judged(f'{{"answer": "a"{members}}}')


def test_recorded_answers_carry_their_labels() -> None:
    row = {
        "source_id": "q",
        "dataset": "d",
        "question": "?",
        "context": "c",
        "responses": [
            {"id": "1", "model": "m", "text": "LOUD", "hallucinated": 1, "spans": []},
            {"id": "2", "model": None, "text": "calm", "hallucinated": 0, "spans": []},
        ],
    }
    one, other = parse_judged_replay(json.dumps(row))
    assert (one.bad, one.group, one.model, one.dataset) == (True, "q", "m", "d")
    assert (other.bad, other.model) == (False, "")


SOURCE = """
import re
from trustlayer import Evidence, Exchange, Finding, Span, Unexamined, detector

@detector
def shouting(exchange: Exchange) -> Finding | Unexamined:
    if exchange.answer == "?":
        return Unexamined("shouting", "what?")
    spans = [Span(*found.span()) for found in re.finditer(r"[A-Z]{4,}", exchange.answer)]
    return Finding(0.8 if spans else 0.2, tuple(Evidence("shouted", span) for span in spans))
"""


@pytest.fixture
def data(tmp_path: Path, install: Callable[..., Path]) -> Path:
    install(SOURCE, shouting="shouting")
    rows = [
        {
            "answer": "it is LOUD" if n % 3 == 0 else "it is calm",
            "label": int(n % 3 == 0),
            "dataset": "ab"[n % 2],
            "group": f"g{n // 2}",
            "spans": [{"start": 6, "end": 10}] if n % 3 == 0 else [],
        }
        for n in range(30)
    ]
    rows.append({"answer": "?", "label": 1, "dataset": "a"})
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


def test_the_command_prints_the_figures(data: Path) -> None:
    done = run(data, "-d", "shouting", "--draws", "20")
    assert done.exit_code == 0, done.output
    for told in ("all: 31 answers, 11 bad", "dataset b", "AUROC within single datasets"):
        assert told in done.stdout
    assert "1 unexamined" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_the_command_prints_json(data: Path) -> None:
    done = run(data, "-d", "shouting", "--draws", "20", "--json")
    made = json.loads(done.stdout)
    result = made["parts"][0]["results"][0]
    assert result["name"] == "shouting"
    assert result["auroc"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert result["span_f1"]["value"] == 1.0
    assert "NaN" not in done.stdout


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_the_command_draws(data: Path, tmp_path: Path, kind: str) -> None:
    pytest.importorskip("matplotlib")
    folder = tmp_path / "pictures"
    done = run(data, "-d", "shouting", "--draws", "0", "--plots", folder, "--picture", kind)
    assert done.exit_code == 0, done.output
    names = sorted(path.name for path in folder.iterdir())
    assert names == [f"{name}.{kind}" for name in ("precision_recall", "reliability", "roc")]


def test_what_cannot_be_evaluated_is_told(data: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    assert run("empty.jsonl", "-d", "shouting").exit_code == 2
    assert run(data, "--picture", "gif").exit_code == 2
    data.write_text(data.read_text() + '{"answer": "no label"}\n')
    done = run(data, "-d", "shouting")
    assert done.exit_code == 1
    assert "line 32: found null as 'label'" in done.stderr
