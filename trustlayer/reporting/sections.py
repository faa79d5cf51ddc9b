"""The parts of the report: for each its question, its drawings and tables, and what it leaves open.

A section is typed rows in, HTML out: another page may show it by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from trustlayer.audit.spreads import Measure
from trustlayer.reporting import charts, words
from trustlayer.reporting.book import Book
from trustlayer.reporting.parts import Cell, Column, Figure, Section, Table
from trustlayer.reporting.quality_sections import calibration, drift, rates
from trustlayer.reporting.svg import Axis


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
        "on which every limit lies at 0.5: red is above."
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


_SECTIONS: tuple[Callable[[Book], Section], ...] = (
    _actions, rates, drift, _gains, _risks, _detectors, _models, _timings, calibration,
)  # fmt: skip
