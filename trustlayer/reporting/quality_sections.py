"""The parts of the report that rest on labels: quality, alarm, calibration."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from trustlayer.reporting import charts, words
from trustlayer.reporting.book import Book
from trustlayer.reporting.parts import Cell, Column, Figure, Section, Table
from trustlayer.reporting.svg import Axis, nice


def rates(book: Book) -> Section:
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
        counts = (str(rate.labels), words.count(rate.population))
        if rate.value is None or rate.low is None or rate.high is None:
            rows.append((name, rate.lacking.partition(";")[0], Markup(""), *counts))
            continue
        told = f"{words.share(rate.value)} ({words.share(rate.low)} to {words.share(rate.high)})"
        plot = charts.interval(axis, rate.value, rate.low, rate.high, f"{name}: {told}")
        rows.append((name, told, plot, *counts))
    if not rows:
        return Section("quality", title, question, empty="No answer was accepted in this time.")
    columns = [
        Column("accepted answers", "text"), Column("share bad (95 %)", "text"),
        Column(charts.scale(axis, _percent), "plot"), Column("labels"), Column("answers"),
    ]  # fmt: skip
    notes = [
        "Prediction-powered: the mean risk of all accepted answers, corrected by the labels of "
        "those that were drawn with a known probability. An interval takes 30 labels or more, 5 of "
        "them bad and 5 good; fewer of a kind will do where all were drawn alike."
    ]
    if undrawn := book.bad_rates[0].undrawn:
        notes.append(f"{undrawn} labels on answers that were not drawn are left out.")
    return Section("quality", title, question, tables=[Table(columns, rows)], notes=notes)


def drift(book: Book) -> Section:
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
        alarm = f"Told by the answers of {times}{more}."
    notes = [
        f"{watch.bad} of {watch.audited} audited answers were bad. If no more than "
        f"{limit} are, a false alarm comes after {words.count(watch.run_length)} audited "
        "answers on average, or later, however often one looks."
    ]
    return Section(
        "drift", title, question, [Figure(charts.level(watch))], notes=notes, alarm=alarm
    )


def calibration(book: Book) -> Section:
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
            few = one.lacking.partition(";")[0]
            rows.append((name, few, Markup(""), words.NOTHING, words.NOTHING, str(one.labels)))
            continue
        told = f"{one.error.value:.3f} ({one.error.low:.3f} to {one.error.high:.3f})"
        plot = charts.interval(
            axis, one.error.value, one.error.low, one.error.high, f"{name}: {told}", one.by_chance
        )
        gap = f"{one.gap.value:+.3f}"
        rows.append((name, told, plot, f"{one.by_chance:.3f}", gap, str(one.labels)))
    columns = [
        Column("detector", "text"), Column("calibration error (95 %)", "text"),
        Column(charts.scale(axis, "{:.2g}".format), "plot"), Column("by chance"),
        Column("too high by"), Column("labels"),
    ]  # fmt: skip
    notes = [
        "The mark is the error that perfect risks would show by chance with as many labels: an "
        "interval around it is no sign of a fault. Too high by: mean risk less share of bad ones."
    ]
    return Section("calibration", title, question, tables=[Table(columns, rows)], notes=notes)


def _percent(value: float) -> str:
    return f"{100 * value:.3g} %"
