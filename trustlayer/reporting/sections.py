"""The parts of the report: for each its question, its drawings and tables, and what it leaves open.

A section is typed rows in, HTML out: another page may show it by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from trustlayer.audit.spreads import Measure
from trustlayer.reporting import charts, words
from trustlayer.reporting.book import Book
from trustlayer.reporting.svg import Axis, nice

Cell = str | Markup


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; *kind* is ``"text"``, ``"number"`` or ``"plot"``."""

    name: Cell
    kind: str = "number"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells beneath columns."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing with its title, and a line beneath."""

    drawing: Markup
    title: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """One report: *empty* stands in its place where there is nothing to show."""

    id: str
    title: str
    question: str
    figures: Sequence[Figure] = ()
    small: Sequence[Figure] = ()  # side by side
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    legend: Sequence[tuple[str, str]] = ()
    empty: str = ""
    alarm: str = field(default="")


def sections(book: Book) -> list[Section]:
    """All sections, in the order of the page."""
    return [make(book) for make in _SECTIONS]


def _actions(book: Book) -> Section:
    legend = [("accept", "accepted"), ("hold", "held for a person"), ("refuse", "refused")]
    title, question = "Outcomes over time", "How many outcomes were there, and what became of them?"
    if not book.over_time:
        return Section("outcomes", title, question, empty="No outcome was recorded in this time.")
    drawing = charts.over_time(book.over_time, book.every)
    rows = [
        (one.action.value, words.count(one.outcomes), words.share(one.share))
        for one in book.by_action
    ]
    table = Table([Column("action", "text"), Column("outcomes"), Column("share")], rows)
    note = f"By {book.every.value}, in UTC."
    figures = [Figure(drawing, note=note)]
    return Section("outcomes", title, question, figures, tables=[table], legend=legend)


def _gains(book: Book) -> Section:
    gains, labelled = book.gains, book.labelled_gains
    title = "What revision and escalation gained"
    question = "Where did accepted answers come from, and were further attempts worth their cost?"
    if not book.totals.outcomes:
        return Section("gains", title, question, empty="No outcome was recorded in this time.")
    ways = [
        ("accept", "accepted at once", gains.first),
        ("revised", "after a revision", gains.revised),
        ("escalated", "after a further model", gains.escalated),
        ("hold", "accepted from none", gains.lost),
    ]
    rows = [
        ("revisions", words.count(gains.revisions), words.count(gains.better_revisions)),
        ("escalations", words.count(gains.escalations), words.count(gains.better_escalations)),
    ]
    columns = [Column("further attempts", "text"), Column("made"), Column("lowered the risk")]
    notes = [
        "Where there were several answers, the mean risk went from "
        f"{words.risk(gains.risk_before)} to {words.risk(gains.risk_after)}. Further attempts "
        f"cost {words.money(gains.extra_cost)} and {words.seconds(gains.extra_seconds)} of asking.",
        _judged(labelled.pairs, labelled.bad_before, labelled.bad_after, labelled.mended,
                labelled.spoiled),
    ]  # fmt: skip
    legend = [(kind, f"{name}: {words.count(number)}") for kind, name, number in ways]
    figure = Figure(charts.parts(ways))
    return Section(
        "gains",
        title,
        question,
        [figure],
        tables=[Table(columns, rows)],
        notes=notes,
        legend=legend,
    )


def _judged(pairs: int, before: int, after: int, mended: int, spoiled: int) -> str:
    if not pairs:
        return "Nobody has labelled both the first and the last answer of an outcome yet."
    return (
        f"By labels, of {pairs} outcomes with both answers judged: bad before {before}, after "
        f"{after}; {mended} mended, {spoiled} spoiled."
    )


def _rates(book: Book) -> Section:
    title = "Bad answers among those handed out"
    question = "What share of the accepted answers is bad, as far as labels can tell?"
    highs = [one.rate.high for one in book.bad_rates if one.rate.high is not None]
    axis = Axis(0.0, min(1.0, nice(max([*highs, 0.05]) / 4) * 4))
    rows: list[Sequence[Cell]] = []
    for one in book.bad_rates:
        rate = one.rate
        who = {"all": "all accepted answers", "model": f"model {words.name(one.name, '(given)')}"}
        template = f"template {words.name(one.name, '(none)')}"
        name = words.period(one.start, book.quality) if one.start else who.get(one.kind, template)
        if rate.value is None or rate.low is None or rate.high is None:
            rows.append(
                (name, Markup(""), rate.lacking, str(rate.labels), words.count(rate.population))
            )
            continue
        told = f"{words.share(rate.value)} ({words.share(rate.low)} to {words.share(rate.high)})"
        plot = charts.interval(axis, rate.value, rate.low, rate.high, f"{name}: {told}")
        rows.append((name, plot, told, str(rate.labels), words.count(rate.population)))
    if not rows:
        return Section("quality", title, question, empty="No answer was accepted in this time.")
    columns = [
        Column("accepted answers", "text"), Column(charts.scale(axis, _percent), "plot"),
        Column("share bad (95 %)", "text"), Column("labels"), Column("answers"),
    ]  # fmt: skip
    notes = [
        "Prediction-powered: the mean risk of all accepted answers, corrected by the labels of "
        "those that were drawn with a known probability. Too few labels give no interval."
    ]
    if undrawn := book.bad_rates[0].undrawn:
        notes.append(f"{undrawn} labels on answers that were not drawn are left out.")
    return Section("quality", title, question, tables=[Table(columns, rows)], notes=notes)


def _percent(value: float) -> str:
    return f"{100 * value:.3g} %"


def _drift(book: Book) -> Section:
    watch = book.drift
    title = "Alarm on errors"
    limit = _percent(watch.tolerated)
    question = f"Have more than {limit} of the accepted answers become bad, at some time?"
    if not watch.watched:
        empty = (
            "No accepted answer was drawn and labelled yet. Draw some: "
            "trustlayer audit sample --n 50 --output to-label.jsonl"
        )
        return Section("drift", title, question, empty=empty)
    alarm = ""
    if watch.alarms:
        times = ", ".join(words.moment(one) for one in watch.alarms[:5])
        more = f" and {len(watch.alarms) - 5} more" if len(watch.alarms) > 5 else ""
        alarm = f"{len(watch.alarms)} alarm(s): {times}{more}."
    notes = [
        f"{watch.bad} of {watch.audited} audited answers were bad. If no more than "
        f"{limit} are, a false alarm comes after {words.count(watch.run_length)} audited "
        "answers on average, or later, however often one looks."
    ]
    return Section(
        "drift", title, question, [Figure(charts.level(watch))], notes=notes, alarm=alarm
    )


def _risks(book: Book) -> Section:
    title, question = "Risks", "How are risks spread, by detector, by model, by prompt template?"
    nothing = {"detector": "(unknown)", "model": "(given answers)", "template": "(no template)"}
    small = [
        Figure(
            charts.histogram(
                one.bars,
                f"Risks of {one.kind} {words.name(one.name, nothing[one.kind])}",
                None if one.kind == "detector" else 0.5,
            ),
            f"{one.kind} {words.name(one.name, nothing[one.kind])}",
            f"{words.count(one.risks)} risks, median {words.risk(one.median)}, "
            f"90 % below {words.risk(one.p90)}",
        )
        for one in book.risks
        if one.risks
    ]
    if not small:
        return Section("risks", title, question, empty="Nothing was examined in this time.")
    notes = [
        "A detector's risk is its own probability; an answer's is the largest of them, on a scale "
        "on which every limit lies at 0.5."
    ]
    return Section("risks", title, question, small=small, notes=notes)


def _detectors(book: Book) -> Section:
    title = "Detectors"
    question = "How often did each detector speak up, and how often could it say nothing, and why?"
    if not book.by_detector:
        return Section("detectors", title, question, empty="No detector was asked in this time.")
    rows = [
        (
            one.name, one.version or words.NOTHING, words.count(one.examined),
            words.count(one.over_limit), words.risk(one.mean_risk), words.risk(one.p90_risk),
            words.share(one.unexamined_share), words.seconds(one.mean_seconds),
        )
        for one in book.by_detector
    ]  # fmt: skip
    names = ("examined", "doubted", "mean risk", "p90", "unexamined", "mean time")
    columns = [Column("detector", "text"), Column("version", "text"), *map(Column, names)]
    reasons = [
        (one.name, one.reason, words.count(one.findings), words.share(one.share))
        for one in book.unexamined
    ]
    why = [Column("detector", "text"), Column("reason", "text"), Column("answers"), Column("share")]
    tables = [Table(columns, rows)]
    if reasons:
        tables.append(Table(why, reasons, "Not examined"))
    return Section("detectors", title, question, tables=tables)


def _models(book: Book) -> Section:
    title = "Models and templates"
    question = "Whose answers are accepted, at which risk, and at what cost?"
    if not book.by_model:
        return Section("models", title, question, empty="No model was asked in this time.")
    rows = [
        (
            words.name(one.model, "(given answers)"), words.count(one.attempts),
            words.share(one.accepted_share), words.count(one.failed), words.risk(one.mean_risk),
            words.count(one.tokens_in), words.count(one.tokens_out), words.money(one.cost),
            words.seconds(one.mean_seconds),
        )
        for one in book.by_model
    ]  # fmt: skip
    seen = ("attempts", "accepted", "failed", "mean risk")
    spent = ("tokens in", "tokens out", "cost", "time")
    tables = [Table([Column("model", "text"), *map(Column, seen + spent)], rows)]
    by_template = [
        (
            words.name(one.template, "(no template)"), words.count(one.attempts),
            words.share(one.accepted_share), words.count(one.failed), words.risk(one.mean_risk),
            words.money(one.cost),
        )
        for one in book.by_template
    ]  # fmt: skip
    columns = [Column("prompt template", "text"), *map(Column, (*seen, "cost"))]
    tables.append(Table(columns, by_template))
    return Section("models", title, question, tables=tables)


def _timings(book: Book) -> Section:
    title, question = (
        "Time and cost",
        "How long does it take, what does it cost, and how bad can it get?",
    )
    if not book.timings:
        return Section("timings", title, question, empty="Nothing was timed in this time.")
    titles: dict[str, tuple[str, Callable[[float], str]]] = {
        Measure.RUN: ("whole runs", words.seconds),
        Measure.ASKING: ("asking a model", words.seconds),
        Measure.EXAMINING: ("examining an answer", words.seconds),
        Measure.COST: ("cost of an attempt", words.money),
    }
    tables: list[Table] = []
    for costs in (False, True):
        some = [one for one in book.timings if (one.measure is Measure.COST) is costs]
        if not some:
            continue
        shape = words.money if costs else words.seconds
        low = min(one.p50 for one in some if one.p50 > 0) if any(o.p50 > 0 for o in some) else 1e-6
        axis = Axis(low / 1.5, max(max(one.p99 for one in some), low * 10) * 1.1, logarithmic=True)
        rows: list[Sequence[Cell]] = []
        for one in some:
            marks = [("p50", one.p50), ("p90", one.p90), ("p95", one.p95), ("p99", one.p99)]
            name = f"{titles[one.measure][0]}{': ' + one.name if one.name is not None else ''}"
            plot = charts.percentiles(axis, marks, shape)
            rows.append((name, plot, *(shape(v) for _, v in marks), words.count(one.number)))
        names = ("p50", "p90", "p95", "p99", "number")
        head = [
            Column("cost" if costs else "time", "text"),
            Column(charts.scale(axis, shape), "plot"),
        ]
        tables.append(Table([*head, *map(Column, names)], rows))
    notes = [
        "Percentiles of values rounded to two digits: at most 5 % off. The axis is logarithmic."
    ]
    return Section("timings", title, question, tables=tables, notes=notes)


def _calibration(book: Book) -> Section:
    title = "Calibration"
    question = "Does a risk still say how probable it is that the answer is bad?"
    highs = [one.error.high for one in book.calibrations if one.error is not None]
    if not highs:
        labels = max([one.labels for one in book.calibrations], default=0)
        empty = f"Too few labels: {labels}; a figure takes 30 or more of one detector's answers."
        return Section("calibration", title, question, empty=empty)
    axis = Axis(0.0, min(1.0, nice(max([*highs, 0.1]) / 4) * 4))
    rows: list[Sequence[Cell]] = []
    for one in book.calibrations:
        name = one.detector if one.start is None else f"· {words.period(one.start, book.quality)}"
        if one.error is None or one.gap is None:
            rows.append(
                (name, Markup(""), one.lacking, words.NOTHING, words.NOTHING, str(one.labels))
            )
            continue
        told = f"{one.error.value:.3f} ({one.error.low:.3f} to {one.error.high:.3f})"
        plot = charts.interval(
            axis, one.error.value, one.error.low, one.error.high, f"{name}: {told}", one.by_chance
        )
        gap = f"{one.gap.value:+.3f}"
        rows.append((name, plot, told, f"{one.by_chance:.3f}", gap, str(one.labels)))
    columns = [
        Column("detector", "text"), Column(charts.scale(axis, "{:.2g}".format), "plot"),
        Column("calibration error (95 %)", "text"), Column("by chance"), Column("too high by"),
        Column("labels"),
    ]  # fmt: skip
    notes = [
        "The mark is the error that perfect risks would show by chance with as many labels: an "
        "interval around it is no sign of a fault. Too high by: mean risk less share of bad ones."
    ]
    return Section("calibration", title, question, tables=[Table(columns, rows)], notes=notes)


_SECTIONS: tuple[Callable[[Book], Section], ...] = (
    _actions, _rates, _drift, _gains, _risks, _detectors, _models, _timings, _calibration,
)  # fmt: skip
