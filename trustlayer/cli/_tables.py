"""The reports as tables for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from trustlayer.cli._terminal import out, visible
from trustlayer.cli._view import STYLES
from trustlayer.policy import Action
from trustlayer.reporting import words

if TYPE_CHECKING:
    from trustlayer.audit.reports import Gains, LabelledGains, RateReport
    from trustlayer.reporting import Book

Cell = str | Text
_BLOCKS = " ▁▂▃▄▅▆▇█"
_TEXTS = ("action", "detector", "model", "id", "prompt", "from", "template", "reason", "answers of",
          "what", "share bad (95 %)", "error (95 %)", "version")  # fmt: skip


def report_view(book: Book, db: str) -> Iterator[RenderableType]:
    """All tables that have rows; one line when nothing was recorded."""
    if not book.totals.outcomes:
        yield Text(f"no outcome is recorded in {visible(db)}, or none in that time")
        return
    yield _summary(book, db)
    for title, make in _TABLES:
        header, rows = make(book)
        if rows:
            yield _table(title, header, rows)
    yield from _alarms(book)


def _summary(book: Book, db: str) -> Text:
    totals, gains = book.totals, book.gains
    lines = [
        f"{words.count(totals.outcomes)} outcomes in {visible(db)}, "
        f"{words.moment(totals.first)} to {words.moment(totals.last)}",
        f"{words.share(totals.accepted / totals.outcomes)} accepted: {words.count(gains.first)} "
        f"at once, {words.count(gains.revised)} after a revision, "
        f"{words.count(gains.escalated)} by a further model",
        f"{words.count(totals.attempts)} attempts, cost {words.money(totals.cost)}, "
        f"{words.seconds(totals.mean_seconds)} on average",
        *_gained(gains, book.labelled_gains),
    ]
    return Text("\n".join(lines))


def _gained(gains: Gains, labelled: LabelledGains) -> Iterator[str]:
    if gains.risk_before is not None and gains.risk_after is not None:
        yield (
            f"further attempts took the mean risk from {gains.risk_before:.2f} to "
            f"{gains.risk_after:.2f}, for {words.money(gains.extra_cost)} and "
            f"{words.seconds(gains.extra_seconds)} more"
        )
    if labelled.pairs:
        yield (
            f"by labels on {labelled.pairs} outcomes: bad before {labelled.bad_before}, after "
            f"{labelled.bad_after}; {labelled.mended} mended, {labelled.spoiled} spoiled"
        )


def _alarms(book: Book) -> Iterator[Text]:
    watch = book.drift
    if watch.alarms:
        first = f"{words.moment(watch.alarms[0])}"
        told = (
            f"\nalarm: more than {words.share(watch.tolerated)} of the accepted answers were bad, "
            f"told first by the answer of {first} ({len(watch.alarms)} alarm(s) in "
            f"{watch.audited} audited)"
        )
        yield Text(told, style="bold red")
    elif watch.watched:
        yield Text(f"\nno alarm: {watch.bad} of {watch.audited} audited answers were bad", "green")


def _table(title: str, header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Table:
    table = Table(
        title=f"\n{title}", title_justify="left", title_style="bold", box=None, padding=(0, 1)
    )
    for name in header:
        left = name in _TEXTS
        table.add_column(name, justify="left" if left else "right", header_style="dim")
    for row in rows:
        table.add_row(*(c if isinstance(c, Text) else Text(visible(c)) for c in row))
    return table


Made = tuple[Sequence[str], Sequence[Sequence[Cell]]]


def _actions(book: Book) -> Made:
    rows = [
        (_action(one.action), words.count(one.outcomes), words.share(one.share))
        for one in book.by_action
    ]
    return ("action", "outcomes", "share"), rows


def _quality(book: Book) -> Made:
    rows = [_rate(one, book) for one in book.bad_rates if one.rate.labels or one.kind == "all"]
    return ("answers of", "share bad (95 %)", "labels", "answers"), rows


def _rate(one: RateReport, book: Book) -> Sequence[Cell]:
    names = {"all": "all", "model": f"model {_name(one.name, '(given)')}"}
    template = f"template {_name(one.name, '(none)')}"
    who = words.period(one.start, book.quality) if one.start else names.get(one.kind, template)
    rate = one.rate
    told: Cell = Text("too few labels for an interval", style="dim")
    if rate.value is not None:
        told = f"{words.share(rate.value)} ({words.share(rate.low)} to {words.share(rate.high)})"
    return who, told, words.count(rate.labels), words.count(rate.population)


def _detectors(book: Book) -> Made:
    bars = {one.name: one.bars for one in book.risks if one.kind == "detector"}
    rows = [
        (
            one.name, one.version or words.NOTHING, words.count(one.examined),
            words.count(one.over_limit), words.count(one.unexamined), words.risk(one.mean_risk),
            words.risk(one.p90_risk), _spark([b.findings for b in bars.get(one.name, ())][::2]),
            words.seconds(one.mean_seconds),
        )
        for one in book.by_detector
    ]  # fmt: skip
    names = ("examined", "doubted", "unexamined", "mean risk", "p90", "risks 0 to 1", "time")
    return ("detector", "version", *names), rows


def _unexamined(book: Book) -> Made:
    rows = [
        (one.name, one.reason, words.count(one.findings), words.share(one.share))
        for one in book.unexamined
    ]
    return ("detector", "reason", "answers", "share"), rows


def _models(book: Book) -> Made:
    rows = [
        (
            _name(one.model, "(given)"), words.count(one.attempts), words.count(one.failed),
            words.share(one.accepted_share), words.risk(one.mean_risk), words.money(one.cost),
            words.seconds(one.mean_seconds),
        )
        for one in book.by_model
    ]  # fmt: skip
    return ("model", "attempts", "failed", "accepted", "mean risk", "cost", "time"), rows


def _templates(book: Book) -> Made:
    rows = [
        (
            _name(one.template, "(none)"), words.count(one.attempts),
            words.share(one.accepted_share), words.risk(one.mean_risk), words.money(one.cost),
        )
        for one in book.by_template
    ]  # fmt: skip
    named = any(one.template is not None for one in book.by_template)
    return ("template", "attempts", "accepted", "mean risk", "cost"), rows if named else []


def _timings(book: Book) -> Made:
    names = {"run": "whole runs", "asking": "asking", "examining": "examining", "cost": "cost"}
    rows: list[Sequence[Cell]] = []
    for one in book.timings:
        shape: Callable[[float | None], str] = (
            words.money if one.measure == "cost" else words.seconds
        )
        who = names[one.measure] + ("" if one.name is None else f" {one.name}")
        rows.append((who, *map(shape, (one.p50, one.p90, one.p99)), words.count(one.number)))
    return ("what", "p50", "p90", "p99", "number"), rows


def _calibration(book: Book) -> Made:
    rows: list[Sequence[Cell]] = [
        (
            one.detector, words.period(one.start, book.quality),
            f"{one.error.value:.3f} ({one.error.low:.3f} to {one.error.high:.3f})",
            f"{one.by_chance:.3f}", f"{one.gap.value:+.3f}", words.count(one.labels),
        )
        for one in book.calibrations
        if one.error is not None and one.gap is not None
    ]  # fmt: skip
    return ("detector", "from", "error (95 %)", "by chance", "too high by", "labels"), rows


def _over_time(book: Book) -> Made:
    shown = book.over_time[-31:]
    most = max([one.outcomes for one in shown] + [1])
    rows = [
        (
            words.period(one.start, book.every), words.count(one.outcomes),
            words.count(one.accepted), words.count(one.held), words.count(one.refused),
            words.seconds(one.mean_seconds), _bar(one.outcomes / most),
        )
        for one in shown
    ]  # fmt: skip
    return ("from", "outcomes", "accepted", "held", "refused", "time", ""), rows


def _recent(book: Book) -> Made:
    rows = [
        (
            one.id[:8], words.moment(one.started), _action(one.action), str(one.attempts),
            _name(one.model, "(given)"), words.risk(one.risk), _short(one.prompt),
        )
        for one in book.recent
    ]  # fmt: skip
    return ("id", "from", "action", "attempts", "model", "risk", "prompt"), rows


def _action(action: Action) -> Text:
    return Text(action.value, style=STYLES[action])


def _name(text: str | None, nothing: str) -> str:
    return nothing if text is None else text


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 40 else f"{line[:37]}..."


def _spark(counts: Sequence[int]) -> Text:
    most = max([*counts, 1])
    if not _drawn():
        return Text(words.NOTHING)
    steps = [0 if not n else max(1, round(8 * n / most)) for n in counts]
    return Text("".join(_BLOCKS[step] for step in steps), style="cyan")


def _bar(share: float, width: int = 16) -> Text:
    full = round(width * share)
    return Text(("█" if _drawn() else "#") * full, style="cyan")


def _drawn() -> bool:
    return out().encoding.lower().startswith("utf")


_TABLES: Sequence[tuple[str, Callable[[Any], Made]]] = (
    ("By action", _actions),
    ("Bad among the accepted, by labels", _quality),
    ("By detector", _detectors),
    ("Not examined", _unexamined),
    ("By model", _models),
    ("By prompt template", _templates),
    ("Time and cost", _timings),
    ("Calibration", _calibration),
    ("Over time", _over_time),
    ("Recent", _recent),
)
