from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trustlayer import Policy
from trustlayer.certificate import Certificate
from trustlayer.cli import app

CLEAN = {"prompt": "How tall is it?", "answer": "It is 324 m tall.", "context": "It is 324 m tall."}
WRONG = CLEAN | {"answer": "It is 195 m tall."}


def labels(count: int, seed: int = 0) -> str:
    rng = random.Random(seed)
    risks = [rng.betavariate(0.5, 1.5) for _ in range(count)]
    rows = [
        {"label": int(rng.random() < risk), "risks": {"mine": risk}, "lang": rng.choice("ab")}
        for risk in risks
    ]
    return "".join(json.dumps(row) + "\n" for row in rows)


def run(*arguments: str, given: str = "") -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["calibrate", *arguments], input=given)
    return result.exit_code, result.stdout, result.stderr


def test_given_risks_to_a_certificate_on_disk(tmp_path: Path) -> None:
    kept = tmp_path / "cert.json"
    code, shown, _ = run("-", "--risk", "0.1", "--output", str(kept), given=labels(1_500))
    assert code == 0
    assert "At most 0.1 of the accepted answers are bad" in shown
    certificate = Certificate.from_json(kept.read_text())
    assert certificate.detectors == {"mine": "unknown"}
    assert Policy.certified(certificate).limits == certificate.bound().limits


def test_json_and_groups() -> None:
    code, shown, _ = run("-", "--risk=0.2", "--group-by=lang", "--json", given=labels(1_500))
    assert code == 0
    assert set(json.loads(shown)["bounds"]) == {"a", "b"}


def test_answers_are_examined_with_the_named_detector(tmp_path: Path) -> None:
    lines = [CLEAN | {"label": 0}] * 260 + [WRONG | {"label": 1}] * 60
    source = tmp_path / "labels.jsonl"
    source.write_text("\n".join(map(json.dumps, lines)))
    code, shown, _ = run(str(source), "--detector", "figures", "--risk", "0.05", "--json")
    assert code == 0
    found = json.loads(shown)
    assert found["bounds"][""]["bad"] == 0
    assert set(found["detectors"]) == {"figures"}


def test_streamed_answers_count_by_their_worst_beginning(tmp_path: Path) -> None:
    lines = [CLEAN | {"label": 0}] * 260 + [WRONG | {"label": 1}] * 60
    source = tmp_path / "labels.jsonl"
    source.write_text("\n".join(map(json.dumps, lines)))
    code, shown, _ = run(str(source), "--detector", "figures", "--streamed", "--json")
    assert code == 0
    assert json.loads(shown)["streamed"] is True


def test_too_few_labels_exit_3_and_write_nothing(tmp_path: Path) -> None:
    kept = tmp_path / "cert.json"
    code, shown, told = run("-", "--output", str(kept), given=labels(30))
    assert code == 3
    assert "30 labels are too few" in told
    assert shown == ""
    assert not kept.exists()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"answer": "a"}', "1 for a bad answer"),
        ('{"answer": "a", "label": 0.5}', "1 for a bad answer"),
        ('{"label": 1}', "'answer'"),
        ('{"label": 1, "risks": {"a": 2}}', "a risk in [0, 1]"),
        ('{"label": 1, "risks": [1]}', "an object"),
    ],
)
def test_a_bad_line_is_told(line: str, expected: str) -> None:
    code, _, told = run("-", given=line)
    assert code == 1
    assert expected in told
    assert "line 1" in told


def test_a_missing_group_is_told() -> None:
    code, _, told = run("-", "--group-by", "nowhere", given=labels(100))
    assert code == 1
    assert "--group-by" in told


def test_an_impossible_risk_is_wrong_usage() -> None:
    code, _, told = run("-", "--risk", "1.5", given=labels(10))
    assert code == 2
    assert "between 0 and 1" in told


def test_a_certificate_is_put_into_the_audit_store_once(tmp_path: Path) -> None:
    from trustlayer.audit import AuditStore
    from trustlayer.audit.certificates import certificates

    url = f"sqlite:///{tmp_path / 'audit.db'}"
    arguments = ("-", "--risk", "0.2", "--json", "--db", url)
    code, shown, told = run(*arguments, given=labels(1_500))
    assert code == 0
    assert "stored as" in told
    with AuditStore.open(url) as store:
        [kept] = certificates(store)
    assert kept == Certificate.from_json(shown)


def test_outcomes_under_a_certificate_name_it(tmp_path: Path) -> None:
    from trustlayer import Exchange, Verifier, load
    from trustlayer.audit import AuditStore
    from trustlayer.audit.certificates import certificate_of

    lines = [CLEAN | {"label": 0}] * 260 + [WRONG | {"label": 1}] * 60
    source, kept = tmp_path / "labels.jsonl", tmp_path / "cert.json"
    source.write_text("\n".join(map(json.dumps, lines)))
    run(str(source), "--detector", "figures", "--output", str(kept))
    certificate = Certificate.from_json(kept.read_text())
    with AuditStore.create("sqlite://") as store:
        verifier = Verifier([load("figures")], policy=Policy.certified(certificate), store=store)
        exchange = Exchange(CLEAN["prompt"], CLEAN["answer"], (CLEAN["context"],))
        [outcome] = verifier.settle_all([exchange])
        assert certificate_of(store, outcome.id) == certificate
