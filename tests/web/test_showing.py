"""How texts are shown: marks that overlap, what changed, nothing invisible."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from trustlayer import Action, Evidence, Exchange, Finding, Span
from trustlayer.audit.reports import Every, PeriodReport
from trustlayer.outcome import DetectorRecord, Verdict
from trustlayer.web.asked import cursor_of, moment_of
from trustlayer.web.charts import over_time
from trustlayer.web.differences import differences
from trustlayer.web.marking import marks, stretches
from trustlayer.web.problems import Json, Problem
from trustlayer.web.rendering import environment, seconds, visible

TEXT = "The quick brown fox jumps."
TEXTS = st.text(alphabet="ab .\n", max_size=40)


def verdict(*findings: tuple[str, float, list[Span | None]]) -> Verdict:
    found = {
        name: Finding(risk, tuple(Evidence(f"{name} says", span) for span in spans))
        for name, risk, spans in findings
    }
    return Verdict(Exchange("?", TEXT), found, (), Action.HOLD, 0.9)


def test_nested_and_overlapping_marks_are_cut_apart() -> None:
    outer, inner, across = Span(4, 19), Span(10, 15), Span(13, 25)
    made = verdict(("a", 0.9, [outer, None]), ("b", 0.6, [inner]), ("c", 0.3, [across]))
    limits = [DetectorRecord("c", "1", "", 0.4), DetectorRecord("a", "1", "", None)]
    found = marks(made, limits)
    assert [(m.number, m.detector, m.span, m.doubted) for m in found] == [
        (1, "a", outer, True),
        (2, "b", inner, True),
        (3, "c", across, False),
        (4, "a", None, True),
    ]
    cut = stretches(TEXT, found)
    assert [(s.text, [m.number for m in s.marks], s.level) for s in cut] == [
        ("The ", [], 0),
        ("quick ", [1], 3),
        ("bro", [1, 2], 3),
        ("wn", [1, 2, 3], 3),
        (" fox", [1, 3], 3),
        (" jumps", [3], 1),
        (".", [], 0),
    ]
    assert [[m.number for m in s.ends] for s in cut if s.ends] == [[2], [1], [3]]
    assert cut[3].title == "1. a: a says; 2. b: b says; 3. c: c says"


@given(
    st.text(max_size=30),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)).map(sorted), max_size=8),
)
def test_stretches_are_the_text_and_each_under_its_marks(text: str, pairs: list[list[int]]) -> None:
    spans: list[Span | None] = [Span(start, end) for start, end in pairs]
    found = marks(verdict(("a", 0.9, spans)), [])
    cut = stretches(text, found)
    assert "".join(s.text for s in cut) == text
    at = 0
    for part in cut:
        assert part.text
        for mark in found:
            assert mark.span is not None
            inside = mark.span.start <= at and at + len(part.text) <= min(mark.span.end, len(text))
            assert (mark in part.marks) == (inside and mark.span.start < len(text))
        at += len(part.text)


@given(TEXTS, TEXTS)
def test_differences_are_both_texts(before: str, after: str) -> None:
    old, new = differences(before, after)
    assert "".join(part.text for part in old) == before
    assert "".join(part.text for part in new) == after
    same = ["".join(p.text for p in parts if not p.changed) for parts in (old, new)]
    assert (before == after) <= (not any(p.changed for p in (*old, *new)))
    assert len(same[0]) <= len(before)


def test_words_and_figures_change_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = differences("The rent is 1,240 euros.", "The rent is 1,420 euros a month.")
    assert [p.text for p in old if p.changed] == ["1,240"]
    assert [p.text for p in new if p.changed] == ["1,420", " a month"]
    monkeypatch.setattr("trustlayer.web.differences._COSTLY", 12)
    old, _ = differences("One is so. Two is so. Three.", "One is so. Two was so. Three.")
    assert [p.text for p in old if p.changed] == ["Two is so. "]
    monkeypatch.setattr("trustlayer.web.differences._COSTLY", 0)
    old, new = differences("One.", "Two.")
    assert [p.changed for p in (*old, *new)] == [True, True]


def test_nothing_invisible_is_left() -> None:
    assert visible("a\x00\u202eb\ud800\u200b\tc\r\nd") == "a\\x00\\u202eb\\ud800\\u200b\tc\nd"
    template = environment().from_string("{{ text }}{{ safe }}{{ number }}")
    shown = template.render(text="<b>\x1b", safe=Markup("<i>"), number=3)
    assert shown == "&lt;b&gt;\\x1b<i>3"
    assert shown.encode("utf-8")


def test_numbers_and_times_as_people_read_them() -> None:
    assert [seconds(v) for v in (None, 0.0121, 12.34)] == ["\u2013", "12 ms", "12.3 s"]
    ago = moment_of("since", "2h")
    assert ago is not None
    assert timedelta(hours=1.9) < datetime.now(UTC) - ago < timedelta(hours=2.1)
    assert moment_of("since", "2026-01-31T10:00 01:00") == datetime(2026, 1, 31, 9, tzinfo=UTC)
    assert moment_of("since", " ") is None
    for text in ("soon", "99999999w", "0000-00-00", "9999-12-31T23:59:59-23:59"):
        with pytest.raises(Problem, match="since: expected a time ago"):
            moment_of("since", text)
    for text in ("x", "9" * 18 + "9", "-1", "\u0663"):
        with pytest.raises(Problem, match="after: expected the cursor"):
            cursor_of(text)


def test_json_has_no_number_that_is_none() -> None:
    told = Json({"a": float("nan"), "b": float("inf"), "c": "\ud800", "d": datetime(2026, 1, 1)})
    assert told.body == b'{"a":null,"b":null,"c":"\\ud800","d":"2026-01-01T00:00:00"}'


def test_a_chart_has_gaps_where_nothing_was() -> None:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    periods = [
        PeriodReport(first, 4, 2, 1, 1, 0.5),
        PeriodReport(first + timedelta(days=3), 2, 2, 0, 0, 0.5),
    ]
    chart = over_time(periods, Every.DAY)
    assert chart is not None
    assert [bar.x for bar in chart.bars] == [1, 31]
    assert [part.height for part in chart.bars[0].parts] == ["60.00", "30.00", "30.00"]
    assert chart.bars[0].title == "2026-01-01: 2 accepted, 1 held, 1 refused"
    assert (chart.first, chart.last, chart.every) == ("2026-01-01", "2026-01-04", "day")
    assert over_time([], Every.HOUR) is None
