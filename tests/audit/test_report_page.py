"""The report as one HTML file: complete, inert, readable; and its other forms."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trustlayer import Action, Outcome
from trustlayer.audit import AuditStore
from trustlayer.audit.labels import Label, record_label
from trustlayer.audit.reports import Every, Scope
from trustlayer.audit.samples import sample
from trustlayer.cli import app
from trustlayer.drawing import Design
from trustlayer.outcome import DetectorRecord
from trustlayer.reporting import Book, fragments, gather, render, stylesheet, words
from trustlayer.reporting.plain import as_csv, as_json, tables
from trustlayer.reporting.svg import Axis, nice

Run = Callable[..., Outcome]

EVIL = (
    "</title></style><script>alert(1)</script><img src=x onerror=alert(2)>\"'><svg onload=a()>"
    "\u202e"
)
START = datetime(2026, 3, 1, tzinfo=UTC)
SECTIONS = [
    "outcomes", "quality", "drift", "gains", "risks", "detectors", "models", "timings",
    "calibration",
]  # fmt: skip


class _Seen(HTMLParser):
    """The elements of a page, their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def made(tmp_path: Path) -> AuditStore:
    return AuditStore.create(f"sqlite:///{tmp_path}/trustlayer.db")


@pytest.fixture
def hostile(made: AuditStore, run: Run) -> Book:
    base = run("a!", "a.", prompt=EVIL, **{EVIL: EVIL})
    held = run("a!", "a!", "a!", "a!")
    made.record(
        *(_disguised(base, n) for n in range(40)), replace(held, started=START), run("a?", "a?")
    )
    for one in sample(made, 40, Design.UNIFORM).drawn:
        record_label(made, Label(one.outcome, 1, int(one.outcome[:3]) % 2 == 0, EVIL, EVIL))
    return gather(made)


def _disguised(outcome: Outcome, number: int) -> Outcome:
    tries = [replace(a, model=EVIL, cost=0.5, seconds_asking=0.25) for a in outcome.attempts]
    return replace(
        outcome,
        id=f"{number:03}{EVIL}",
        started=START + timedelta(days=number),
        attempts=tuple(tries),
        detectors=tuple(DetectorRecord(d.name, EVIL, EVIL, d.limit) for d in outcome.detectors),
        correlation={"template": EVIL},
    )


def test_hostile_content_is_inert(hostile: Book) -> None:
    page = render(hostile, EVIL)
    seen = _Seen(page)
    assert not {"script", "img", "iframe", "object", "link", "base", "form"} & set(seen.tags)
    assert not [name for name, _ in seen.attributes if name.startswith("on") or name == "style"]
    assert not [v for n, v in seen.attributes if n in ("src", "href") and not v.startswith("#")]
    assert (
        page.count("<style>")
        == page.count("</style>")
        == page.count("</title>") - page.count("<title>") + 1
    )
    assert seen.text.count("<script>alert(1)</script>") > 5  # shown as what it is
    for fragment in fragments(hostile).values():
        assert "<script" not in fragment
        assert " style=" not in fragment


def test_the_page_needs_nothing_from_elsewhere(hostile: Book) -> None:
    page = render(hostile, "sqlite:///audit.db")
    assert not re.search(r"https?:|@import|url\(|//[a-z]", page.replace("sqlite:///", ""))
    assert "default-src 'none'" in page
    assert page.startswith("<!doctype html>")
    assert '<meta name="viewport"' in page
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_all_reports_are_on_the_page(hostile: Book) -> None:
    assert list(fragments(hostile)) == SECTIONS
    page = render(hostile, "here")
    seen = _Seen(page)
    ids = [value for name, value in seen.attributes if name == "id"]
    assert [id for id in ids if id in SECTIONS] == SECTIONS
    assert len(ids) == len(set(ids))
    links = {value[1:] for name, value in seen.attributes if name == "href"}
    assert links <= set(ids)
    assert "Bad answers among those handed out" in seen.text
    assert "accepted at once" in seen.text
    pictures = [value for name, value in seen.attributes if name == "role" and value == "img"]
    labels = [value for name, value in seen.attributes if name == "aria-label" and value]
    assert len(labels) >= len(pictures) > 5
    assert page.count("<title>") > 40  # what shapes mean


def test_a_fragment_is_made_of_rows_alone(hostile: Book) -> None:
    emptied = replace(
        hostile, over_time=(), bad_rates=(), risks=(), by_detector=(), by_model=(), timings=(),
        calibrations=(), drift=replace(hostile.drift, watched=(), alarms=()),
    )  # fmt: skip
    found = fragments(emptied)
    for id in ("outcomes", "quality", "drift", "risks", "detectors", "models", "timings"):
        assert 'class="empty"' in found[id]
    assert "trustlayer audit sample" in found["drift"]
    assert "Too few labels: 0" in found["calibration"]


def test_an_empty_store_has_a_page(made: AuditStore) -> None:
    book = gather(made)
    page = render(book, "here")
    assert "Nothing to report yet" in page
    assert all('class="empty"' in fragment for fragment in fragments(book).values())
    assert json.loads(as_json(book))["by_action"] == []


@pytest.mark.parametrize("every", list(Every))
def test_every_period_can_be_drawn(made: AuditStore, run: Run, every: Every) -> None:
    base = run("a.")
    days = (0, 0.1, 3, 40) if every is not Every.HOUR else (0, 0.1, 0.3)
    made.record(
        *(
            replace(base, id=str(n), started=START + timedelta(days=d), action=action)
            for n, (d, action) in enumerate(
                zip(days, (Action.ACCEPT, Action.HOLD, Action.REFUSE, Action.ACCEPT), strict=False)
            )
        )
    )
    book = gather(made, every=every)
    drawn = fragments(book)["outcomes"]
    assert drawn.count('class="accept"') >= 1
    assert "refused" in drawn
    if every is Every.DAY:
        assert drawn.count("<title>") == 4


def test_json_and_csv_hold_every_report(hostile: Book) -> None:
    found = json.loads(as_json(hostile))
    left_out = {"scope", "made", "every", "quality"}
    assert set(found) == {field.name for field in fields(hostile)} - left_out
    assert found["bad_rates"][0]["rate"]["labels"] == 40
    assert found["risks"][0]["bars"][0]["start"] == 0.0
    rows = list(csv.DictReader(io.StringIO(as_csv(hostile))))
    assert {row["part"] for row in rows} <= set(found)
    assert {"part": "totals", "row": "1", "measure": "outcomes", "value": "42"} in rows
    assert {row["measure"] for row in rows if row["part"] == "bad_rates"} >= {"rate.low", "kind"}
    assert not [row for row in rows if row["value"].startswith(("=", "@", "\t"))]
    assert "\u202e" not in as_csv(hostile)
    assert list(tables(hostile)) == list(found)


def test_numbers_as_people_read_them() -> None:
    assert [words.seconds(s) for s in (None, 2e-5, 0.34, 2.0, 300)] == [
        words.NOTHING, "20 µs", "340 ms", "2 s", "5 min",
    ]  # fmt: skip
    assert [words.share(s) for s in (None, 0.0, 0.0004, 0.5, 1.0)] == [
        words.NOTHING, "0.0 %", "0.04 %", "50.0 %", "100.0 %",
    ]  # fmt: skip
    assert [words.money(m) for m in (0.0, 0.00123, 1234.5)] == ["0", "0.00123", "1,234.50"]
    assert [words.short_count(n) for n in (12, 12_345, 2_500_000)] == ["12", "12.3 k", "2.5 M"]
    assert [nice(step) for step in (0.0, 0.3, 1.0, 7, 30)] == [1.0, 0.5, 1.0, 10.0, 50.0]
    assert Axis(0.002, 0.02, logarithmic=True).ticks() == pytest.approx([0.002, 0.005, 0.01, 0.02])
    assert Axis(1.0, 1.0).place(1.0) == 0.0


def _contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    lights = sorted((light(one), light(other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def test_text_and_shapes_have_the_contrast_that_wcag_asks_for() -> None:
    style = stylesheet()
    blocks = re.findall(r"\.report \{([^}]*--paper: #[^}]*)\}", style)
    assert len(blocks) == 3  # light, dark, print
    for block in blocks[:2]:
        colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
        for text in ("ink", "soft", "accent", "accept-ink", "hold-ink", "refuse-ink", "alarm"):
            assert _contrast(colours[text], colours["card"]) >= 4.5, text
        for text in ("ink", "soft", "accent"):
            assert _contrast(colours[text], colours["paper"]) >= 4.5, text
        assert _contrast(colours["alarm"], colours["alarm-paper"]) >= 4.5
        for shape in ("accept", "hold", "refuse", "revised", "escalated", "bar", "over", "mark"):
            assert _contrast(colours[shape], colours["card"]) >= 3.0, shape


def _run(*command: str) -> str:
    done = CliRunner().invoke(app, list(command))
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_command_writes_every_form(hostile: Book, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert _run("report", "--format", "html", "-o", str(page)) == ""
    assert page.read_text("utf-8").endswith("</html>")
    assert _run("report", "--format", "html").startswith("<!doctype html>")
    told = _run("report", "--since", "2026-03-01", "--until", "2026-03-03", "--every", "hour")
    for part in ("3 outcomes", "By prompt template", "Time and cost", "Over time", "Recent"):
        assert part in told
    assert "<script>" in told
    told = _run("report")
    for part in ("Bad among the accepted", "Calibration", "Not examined", "alarm"):
        assert part in told
    _run("report", "-o", str(page))
    assert "42 outcomes" in page.read_text("utf-8")
    found = json.loads(_run("report", "--format", "json", "--model", "small"))
    assert {row["model"] for row in found["by_model"]} == {"small"}
    found = json.loads(_run("report", "--format", "json", "--detector", "_picky"))
    assert {row["name"] for row in found["by_detector"]} == {"_picky"}
    assert CliRunner().invoke(app, ["report", "--since", "1d", "--until", "2d"]).exit_code == 2


def test_the_commands_for_labels(made: AuditStore, run: Run, tmp_path: Path) -> None:
    base = run("a.")
    made.record(*(replace(base, id=f"outcome-{n}") for n in range(5)))
    lines = tmp_path / "to-label.jsonl"
    _run("audit", "sample", "--n", "3", "--design", "uniform", "--seed", "1", "-o", str(lines))
    rows = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [row["propensity"] for row in rows] == pytest.approx([0.6] * 3)
    lines.write_text("\n".join(json.dumps(row | {"label": n % 2}) for n, row in enumerate(rows)))
    assert "recorded in sqlite:///trustlayer.db: 3" in _run(
        "audit", "label", "--lines", str(lines), "--by", "ann"
    )
    assert _run("audit", "export", "--to-label") == ""
    exported = [json.loads(line) for line in _run("audit", "export", "--labelled").splitlines()]
    assert sorted(row["label"] for row in exported) == [0, 0, 1]
    assert [row["propensity"] for row in exported] == pytest.approx([0.6] * 3)
    done = CliRunner().invoke(app, ["audit", "label"])
    assert done.exit_code == 2
    done = CliRunner().invoke(app, ["audit", "sample", "--action", "refuse"])
    assert done.exit_code == 2
    lines.write_text('{"id": "outcome-1", "label": 7}')
    done = CliRunner().invoke(app, ["audit", "label", "--lines", str(lines)])
    assert done.exit_code == 1


def test_many_rows_are_summarised_before_they_are_reported(
    made: AuditStore, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trustlayer.audit import summaries
    from trustlayer.cli import report

    made.record(run("a."))
    assert summaries.missing(made) == 1
    monkeypatch.setattr(report, "MANY", 1)
    _run("report")
    assert summaries.missing(made) == 0
    assert gather(made, Scope()).totals.outcomes == 1
