"""The drawings of the report: columns over time, histograms, intervals, a level."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from markupsafe import Markup

from trustlayer.audit.drift import DriftReport
from trustlayer.audit.outcome_reports import Every, PeriodReport
from trustlayer.audit.spreads import Bar
from trustlayer.reporting import words
from trustlayer.reporting.svg import Axis, drawing, element, nice, share, titled

COLUMNS = 180  # in one drawing; of more periods, the last
_TOP, _PLOT, _FOOT = 18, 190, 24  # pixels: above the plot, of it, beneath it


def over_time(periods: Sequence[PeriodReport], every: Every) -> Markup:
    """Columns of outcomes by period, accepted at the bottom, then held, then refused."""
    shown = list(_filled(periods, every))[-COLUMNS:]
    most = max(period.outcomes for period in shown)
    step = nice(most / 3)
    axis = Axis(0.0, step * -(-most // step))
    label = (
        f"Outcomes by {every.value}, from {shown[0].start:%Y-%m-%d} to {shown[-1].start:%Y-%m-%d}"
    )
    columns = [mark for n, p in enumerate(shown) for mark in _column(n, len(shown), p, axis, every)]
    foot = _dates([period.start for period in shown], every)
    shapes = [*_lines(axis), *_amounts(axis), *columns, *foot]
    return drawing(label, _TOP + _PLOT + _FOOT, *shapes, kind="chart inset")


def histogram(bars: Sequence[Bar], label: str, limit: float | None = None) -> Markup:
    """How risks from 0 to 1 are spread; *limit* is a mark."""
    height, most = 84, max([bar.findings for bar in bars] + [1])
    shapes: list[Markup] = []
    for bar in bars:
        tall = max(1.5, 64.0 * bar.findings / most) if bar.findings else 0.0
        over = limit is not None and bar.start >= limit - 1e-9
        shapes.append(
            titled(
                "rect",
                f"{bar.start:.2f} to {bar.end:.2f}: {words.count(bar.findings)}",
                kind="bar over" if over else "bar",
                x=share(bar.start + 0.002),
                width=share(bar.end - bar.start - 0.004),
                y=68.0 - tall,
                height=tall,
                rx=1.5,
            )
        )
    foot = [
        element("text", text, kind="tick", x=share(x), y=82, text_anchor=anchor)
        for x, text, anchor in ((0.0, "0", "start"), (0.5, "0.5", "middle"), (1.0, "1", "end"))
    ]
    base = element("line", kind="base", x1="0", x2="100%", y1=68.5, y2=68.5)
    return drawing(label, height, *shapes, base, *foot)


def interval(
    axis: Axis, value: float, low: float, high: float, title: str, mark: float | None = None
) -> Markup:
    """A figure and how far it may be off, for one row of a table; *mark* is what to compare."""
    places = [share(axis.place(one)) for one in (low, high, value)]
    shapes = [*_grid(axis, 28)]
    if mark is not None:
        at = share(axis.place(mark))
        shapes.append(element("line", kind="mark", x1=at, x2=at, y1=5, y2=23))
    shapes += [
        titled("line", title, kind="whisker", x1=places[0], x2=places[1], y1=14, y2=14),
        titled("circle", title, kind="dot", cx=places[2], cy=14, r=4.5),
    ]
    return drawing(title, 28, *shapes, kind="chart row")


def percentiles(
    axis: Axis, marks: Sequence[tuple[str, float]], shape: Callable[[float], str]
) -> Markup:
    """Some percentiles on one axis, from the lowest to the highest, for one row of a table."""
    title = ", ".join(f"{name} {shape(value)}" for name, value in marks)
    first, last = (share(axis.place(value)) for value in (marks[0][1], marks[-1][1]))
    dots = [
        titled("circle", f"{name}: {shape(value)}", kind=f"dot p{n}", cx=share(axis.place(value)),
               cy=14, r=4.5)
        for n, (name, value) in reversed(list(enumerate(marks)))
    ]  # fmt: skip
    line = element("line", kind="whisker", x1=first, x2=last, y1=14, y2=14)
    return drawing(title, 28, *_grid(axis, 28), line, *dots, kind="chart row")


def scale(axis: Axis, shape: Callable[[float], str]) -> Markup:
    """The axis above a column of rows."""
    marks = [(axis.place(tick), shape(tick)) for tick in axis.ticks(2)]
    ticks = [
        element("text", text, kind="tick", x=share(at), y=13, text_anchor=_anchor(at))
        for at, text in marks
    ]
    return drawing(f"from {shape(axis.low)} to {shape(axis.high)}", 18, *ticks, kind="chart row")


def parts(shares: Sequence[tuple[str, str, int]]) -> Markup:
    """One bar of several parts: the class, the name and the number of each."""
    whole = sum(number for _, _, number in shares) or 1
    shapes: list[Markup] = []
    start = 0.0
    for kind, name, number in shares:
        width = number / whole
        if number:
            title = f"{name}: {words.count(number)}, {words.share(width)}"
            shapes.append(
                titled("rect", title, kind=kind, x=share(start), width=share(width), y=0, height=22)
            )
        start += width
    told = ", ".join(f"{name} {words.count(number)}" for _, name, number in shares)
    return drawing(told, 22, *shapes, kind="chart parts")


def level(watch: DriftReport) -> Markup:
    """The evidence after each audited answer, logarithmic, and where it raised the alarm."""
    axis = Axis(1 / watch.run_length, 1.0, logarithmic=True)
    height = 120
    count = max(1, len(watch.watched) - 1)
    points = [
        (n / count, _TOP + height * (1 - axis.place(max(one.level, axis.low))))
        for n, one in enumerate(watch.watched)
    ]
    path = [
        element("line", kind="level", x1=share(a[0]), y1=a[1], x2=share(b[0]), y2=b[1])
        for a, b in pairwise(points)
    ]
    top = element("line", kind="limit", x1="0", x2="100%", y1=_TOP, y2=_TOP)
    name = element("text", "alarm", kind="tick strong", x="100%", y=_TOP - 6, text_anchor="end")
    alarms = [
        titled(
            "circle", f"alarm: {words.moment(one.started)}", kind="alarm", cx=share(x), cy=y, r=5
        )
        for (x, y), one in zip(points, watch.watched, strict=True)
        if one.alarm
    ]
    base = element("line", kind="base", x1="0", x2="100%", y1=_TOP + height, y2=_TOP + height)
    foot = _dates([one.started for one in watch.watched], Every.DAY, top=_TOP + height)
    label = f"Evidence over {watch.audited} audited answers, {len(watch.alarms)} alarm(s)"
    return drawing(label, _TOP + height + _FOOT, base, top, name, *path, *alarms, *foot)


def _filled(periods: Sequence[PeriodReport], every: Every) -> Iterator[PeriodReport]:
    # With the periods in which nothing happened: a gap is news as well.
    last = periods[0]
    for period in periods:
        start = _next(last.start, every)
        while last is not period and start < period.start:
            yield PeriodReport(start, 0, 0, 0, 0, 0.0)
            start = _next(start, every)
        yield period
        last = period


def _next(start: datetime, every: Every) -> datetime:
    if every is Every.MONTH:
        return (start + timedelta(days=32)).replace(day=1)
    days = {Every.HOUR: 1 / 24, Every.DAY: 1, Every.WEEK: 7}[every]
    return start + timedelta(days=days)


def _column(
    number: int, columns: int, period: PeriodReport, axis: Axis, every: Every
) -> Iterator[Markup]:
    width = 1 / max(columns, 12)
    told = (
        f"{words.period(period.start, every)}: {words.count(period.outcomes)} outcomes, "
        f"{words.count(period.accepted)} accepted, {words.count(period.held)} held, "
        f"{words.count(period.refused)} refused"
    )
    bottom = float(_TOP + _PLOT)
    kinds = (("accept", period.accepted), ("hold", period.held), ("refuse", period.refused))
    for kind, value in kinds:
        tall = _PLOT * axis.place(value)
        if value:
            yield titled(
                "rect", told, kind=kind, x=share((number + 0.08) * width),
                width=share(0.84 * width), y=bottom - tall, height=max(tall, 0.75),
            )  # fmt: skip
        bottom -= tall


def _lines(axis: Axis) -> Iterator[Markup]:
    for tick in axis.ticks(3):
        y = _TOP + _PLOT * (1 - axis.place(tick))
        yield element("line", kind="base" if tick == 0 else "grid", x1="0", x2="100%", y1=y, y2=y)


def _amounts(axis: Axis) -> Iterator[Markup]:
    # Beside the plot, for which the stylesheet leaves a margin.
    for tick in axis.ticks(3):
        y = _TOP + _PLOT * (1 - axis.place(tick)) + 4
        text = words.short_count(tick)
        yield element("text", text, kind="tick", x=-8, y=y, text_anchor="end")


def _dates(starts: Sequence[datetime], every: Every, top: float = _TOP + _PLOT) -> Iterator[Markup]:
    marks = {0: "start", len(starts) // 2: "middle", len(starts) - 1: "end"}
    if len(starts) < 12:  # columns do not reach the end then
        marks = {0: "start"}
    for number, anchor in marks.items() if starts else ():
        at = {"start": 0.0, "middle": (number + 0.5) / len(starts), "end": 1.0}[anchor]
        text = words.period(starts[number], every)
        yield element("text", text, kind="tick", x=share(at), y=top + 18, text_anchor=anchor)


def _grid(axis: Axis, height: int) -> Iterator[Markup]:
    for tick in axis.ticks():
        at = share(axis.place(tick))
        yield element("line", kind="grid", x1=at, x2=at, y1=0, y2=height)


def _anchor(at: float) -> str:
    return "start" if at < 0.08 else "end" if at > 0.92 else "middle"
