"""``trustlayer verify``, and what ``show``, ``report`` and ``db`` then tell of it."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest
import typer
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from trustlayer import Evidence, Exchange, Finding, Span, Unexamined, Verifier, detector
from trustlayer.audit import AuditStore
from trustlayer.cli import app
from trustlayer.cli._terminal import visible
from trustlayer.cli._view import marked, verdict_view
from trustlayer.cli.report import since_time
from trustlayer.outcome import Verdict
from trustlayer.policy import Action

SOURCE = """
import re
from trustlayer import Evidence, Exchange, Finding, Span, detector

@detector
def shouting(exchange: Exchange) -> Finding:
    spans = [Span(*found.span()) for found in re.finditer(r"[A-Z]{4,}", exchange.answer)]
    return Finding(min(1.0, len(spans) * 0.6), tuple(Evidence("shouted", span) for span in spans))

@detector
def lost(exchange: Exchange) -> Finding:
    if not exchange.context:
        raise ValueError("no context to look at")
    return Finding(0.1 if exchange.answer in exchange.context else 0.4)

class Sampling:
    name, needs = "sampling", ("samples",)
    def examine(self, exchanges):
        return [Finding(0.0) for _ in exchanges]

class Either(Sampling):
    name, needs = "either", ("samples|logprobs",)
"""


@pytest.fixture(autouse=True)
def _installed(install: Callable[..., Path]) -> None:
    install(SOURCE, shouting="shouting", lost="lost", sampling="Sampling", either="Either")


def run(*arguments: str | Path, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)], input=stdin)


def verify(*arguments: str | Path, stdin: bytes | None = None) -> Result:
    return run("verify", "--prompt", "Well?", "-d", "shouting", *arguments, stdin=stdin)


def test_an_accepted_answer_is_0_and_recorded() -> None:
    done = verify("--answer", "all is calm", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["action"], told["answer"]) == ("accept", "all is calm")
    assert told["findings"] == {"shouting": {"risk": 0.0, "evidence": []}}
    with AuditStore.open("sqlite:///trustlayer.db") as store:
        assert store.outcome(told["id"]).answer == "all is calm"


def test_an_answer_that_is_not_accepted_is_3_with_its_reasons() -> None:
    done = verify("--answer", "all is LOUD")
    assert done.exit_code == 3
    assert "held for a person" in done.stdout
    assert '"LOUD": shouted' in done.stdout
    assert "shouting 0.60, above its limit 0.50" in done.stdout


def test_limits_can_be_set_by_name() -> None:
    assert verify("--answer", "all is LOUD", "--limit", "shouting=0.7").exit_code == 0


def test_the_answer_may_come_from_stdin_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "answer.txt").write_bytes(b"\xef\xbb\xbfLOUD")
    for done in (
        verify("--answer", "-", "--json", stdin=b"LOUD"),
        verify("--answer-file", "answer.txt", "--json"),
    ):
        assert json.loads(done.stdout)["answer"] == "LOUD"


def test_the_context_is_read_from_files(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("it is so")
    (tmp_path / "two.txt").write_text("or so")
    files = ("--context", "one.txt", "--context", "two.txt", "--db", "sqlite://", "--json")
    done = verify("--answer", "it is so", "-d", "lost", *files)
    assert json.loads(done.stdout)["findings"]["lost"]["risk"] == 0.1


def test_an_unexamined_answer_is_not_accepted() -> None:
    done = verify("--answer", "calm", "-d", "lost")
    assert done.exit_code == 3
    assert "unexamined lost: raised ValueError: no context to look at" in done.stdout


def test_by_default_detectors_that_need_samples_are_left_out_and_named(tmp_path: Path) -> None:
    (tmp_path / "page.txt").write_text("The sky is blue.")
    done = run("verify", "--answer", "The sky is blue.", "--context", "page.txt", "--json")
    assert done.exit_code in (0, 3), done.output
    for name in ("sampling", "either"):
        assert name not in json.loads(done.stdout)["findings"]
        assert name in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ([], 2, "give either --answer TEXT or --answer-file FILE"),
        (["--answer", "a", "--answer-file", "b"], 2, "give either"),
        (["--answer", " \n"], 2, "the answer is empty"),
        (["--answer", "-", "--context", "-"], 2, "stdin cannot be both"),
        (["--answer", "a", "--context", "missing.txt"], 1, "missing.txt: No such file"),
        (["--answer", "a", "--context", "latin.txt"], 2, "the byte 0xe9 at position 4"),
        (["--answer", "a", "--limit", "shouting"], 2, "expected NAME=X"),
        (["--answer", "a", "--limit", "shouting=nan"], 2, "X from 0 to 1"),
        (["--answer", "a", "--limit", "other=1"], 2, "'other' is not among them: shouting"),
        (["--answer", "a", "-d", "shoutin"], 1, "Did you mean 'shouting'?"),
        (["--answer", "a", "--db", "audit.db"], 1, "sqlite:///audit.db"),
        (["--answer", "a", "--db", "sqlite:///no/such/audit.db"], 1, "no/such"),
        (["--answer", "a", "--db", "sqlite:///latin.txt"], 1, "latin.txt"),
    ],
)
def test_wrong_usage_is_2_and_what_cannot_run_is_1(
    tmp_path: Path, arguments: list[str], code: int, told: str
) -> None:
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    done = verify(*arguments)
    assert done.exit_code == code, done.output
    assert told in " ".join(done.stderr.replace("│", " ").split())
    assert done.stdout == ""


def test_controls_in_an_answer_do_not_reach_the_terminal(tmp_path: Path) -> None:
    answer = "\x1b]0;owned\x07 \x9b31m LOUD \u202e\r over"
    (tmp_path / "answer.txt").write_bytes(answer.encode())
    done = run("verify", "--answer-file", "answer.txt", "-d", "shouting", "--prompt", "\x1b[2J")
    identity = done.stdout.split("recorded as ")[1].split()[0]
    for shown in (done, run("show", identity), run("report")):
        assert not set("\x1b\x07\x9b\u202e\r") & set(shown.stdout), shown.stdout
    assert "\\x1b]0;owned\\x07" in done.stdout


def test_what_no_encoding_knows_is_shown_and_recorded(tmp_path: Path) -> None:
    done = verify("--answer", "LOUD \udcff", "--json")
    assert done.exit_code == 3
    shown = run("show", json.loads(done.stdout)["id"])
    assert shown.exit_code == 0
    assert "LOUD \\udcff" in shown.stdout


def recorded(answer: str = "all is LOUD") -> str:
    found = json.loads(verify("--answer", answer, "--json").stdout)
    return str(found["id"])


def test_an_outcome_is_shown_by_the_beginning_of_its_id() -> None:
    id = recorded()
    done = run("show", id[:8])
    assert done.exit_code == 0, done.output
    for told in (id, "held for a person", "prompt: Well?", "attempt 1", '"LOUD": shouted'):
        assert told in done.stdout
    as_json = json.loads(run("show", id[:8], "--json").stdout)
    assert as_json["attempts"][0]["verdict"]["answer"] == "all is LOUD"
    assert as_json["answer"] is None


def test_an_unknown_id_is_told() -> None:
    recorded()
    done = run("show", "zz")
    assert done.exit_code == 1
    assert "no outcome 'zz' is in the audit store" in done.stderr


def test_every_attempt_is_shown() -> None:
    @detector
    def loud(exchange: Exchange) -> Finding | Unexamined:
        if "LOUD" not in exchange.answer:
            return Finding(0.0)
        return Finding(0.9, (Evidence("too loud", Span(0, 4)),))

    answers = iter(["LOUD", "LOUDER", "calm"])

    def small(_: str) -> str:
        return next(answers)

    with AuditStore.create("sqlite:///trustlayer.db") as store:
        verifier = Verifier([loud], [small, small], store=store)
        outcome = verifier.run("Speak!", correlation={"ticket": "42"})
    done = run("show", outcome.id)
    for told in ("attempt 1, small", "attempt 2", "attempt 3", "accepted", "ticket: 42"):
        assert told in done.stdout


def test_a_report_tells_of_actions_detectors_and_time() -> None:
    for answer in ("calm", "LOUD", "LOUD AGAIN"):
        recorded(answer)
    done = run("report", "--since", "1h")
    assert done.exit_code == 0, done.output
    for told in ("3 outcomes", "33.3 % accepted", "By detector", "shouting", "Over time"):
        assert told in done.stdout
    found = json.loads(run("report", "--format", "json").stdout)
    assert {row["action"]: row["outcomes"] for row in found["by_action"]} == {
        "hold": 2,
        "accept": 1,
    }
    assert found["by_detector"][0]["over_limit"] == 2


def test_a_report_as_csv_is_one_table_and_no_formula() -> None:
    run("verify", "--prompt", "=1+1", "--answer", "calm", "-d", "shouting")
    done = run("report", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert {"part": "totals", "row": "1", "measure": "outcomes", "value": "1"} in rows
    [prompt] = [row["value"] for row in rows if row["measure"] == "prompt"]
    assert prompt == "'=1+1"


def test_a_report_on_nothing_says_so() -> None:
    run("db", "upgrade")
    done = run("report", "--since", "7d")
    assert done.exit_code == 0
    assert "no outcome is recorded" in done.stdout


def test_without_a_store_the_way_to_one_is_told() -> None:
    for command in (["report"], ["show", "a"], ["db", "check"]):
        done = run(*command)
        assert done.exit_code == 1
        assert "trustlayer db upgrade --db sqlite:///trustlayer.db" in done.stderr


def test_times_are_read() -> None:
    now = datetime.now(UTC)
    assert abs(now - timedelta(days=7) - since_time("7d")) < timedelta(minutes=1)
    assert since_time("2026-01-31") == datetime(2026, 1, 31, tzinfo=UTC)
    assert since_time("2026-01-31T12:00+02:00") == datetime(2026, 1, 31, 10, tzinfo=UTC)
    for nonsense in ("", "7", "d", "-1d", "yesterday", "99999999999999d"):
        with pytest.raises(typer.BadParameter, match="expected a time ago"):
            since_time(nonsense)
    assert run("report", "--since", "never").exit_code == 2


def test_the_schema_is_made_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTLAYER_DB", "sqlite:///other.db")
    assert "no audit store" in run("db", "current").stdout
    assert "schema none -> " in run("db", "upgrade").stdout
    assert "is current" in run("db", "upgrade").stdout
    assert run("db", "check").exit_code == 0
    assert Path("other.db").exists()
    assert not Path("trustlayer.db").exists()


def test_another_schema_is_an_error_with_the_way_out() -> None:
    recorded()
    with sqlite3.connect("trustlayer.db") as connection:
        connection.execute("UPDATE trustlayer_version SET version_num = '9999'")
    connection.close()
    for command in (["verify", "--answer", "a"], ["report"], ["show", "a"], ["db", "upgrade"]):
        done = run(*command)
        assert done.exit_code == 1, done.output
        assert "9999" in done.stderr
        assert "Traceback" not in done.output


def test_a_password_is_not_shown() -> None:
    done = run("report", "--db", "mysql://me:hunter2@localhost/db")
    assert done.exit_code == 1
    assert "hunter2" not in done.output


@given(st.text(st.characters(exclude_categories=())))
def test_what_is_visible_is_harmless(text: str) -> None:
    shown = visible(text)
    shown.encode()
    for character in shown:
        assert character in "\n\t" or (character >= " " and not "\x7f" <= character <= "\x9f")
    assert "\u202e" not in shown


@given(st.text(st.sampled_from("ab\x1b\u202e\n ")), st.integers(0, 9), st.integers(0, 9))
def test_marks_lie_where_the_spans_are(answer: str, one: int, other: int) -> None:
    start, end = sorted((min(one, len(answer)), min(other, len(answer))))
    text = marked(answer, [(Span(start, end), "underline")])
    assert text.plain == visible(answer)
    for found in text.spans:
        assert text.plain[found.start : found.end] == visible(answer[start:end])


@pytest.mark.parametrize("width", [24, 80, 200])
@pytest.mark.parametrize("colour", [False, True])
def test_verdicts_fit_any_terminal(width: int, colour: bool) -> None:
    answer = "It is 195 metres [bold]tall[/bold], " + "שלום עולם and 日本語 " * 9
    finding = Finding(0.9, (Evidence("the context says 324", Span(6, 16)), Evidence("all of it")))
    verdict = Verdict(
        Exchange("?", answer), {"figures": finding}, (Unexamined("x", "[red]no"),), Action.HOLD, 0.9
    )
    file = io.StringIO()
    system: Literal["standard"] | None = "standard" if colour else None
    console = Console(file=file, width=width, force_terminal=colour, color_system=system)
    console.print(verdict_view(verdict, {"figures": 0.4}))
    assert "[bold]tall" in file.getvalue().replace("\n", "") or width < 40
    assert ("\x1b[1;4;31m" in file.getvalue()) == colour
