"""``trustlayer capacity``: how many cores answer so many requests within a latency."""

from __future__ import annotations

import json
from itertools import islice
from typing import Annotated

import typer
from rich.table import Table

from trustlayer.bulk.pool import cores
from trustlayer.bulk.sparing import single_threaded
from trustlayer.capacity import Cost, Plan, cores_for, quantile
from trustlayer.cli._options import AsJson, ConfigFile, DetectorNames, detectors_in_force, option
from trustlayer.cli._reading import OnError, Reading, opened
from trustlayer.cli._terminal import examples, out, say
from trustlayer.exchange import Exchange
from trustlayer.lines import ExchangeLine, parse_exchange
from trustlayer.measuring import measured, sample

EPILOG = examples(
    "trustlayer capacity --rps 50 --latency 300",
    "trustlayer capacity --rps 50 --latency 300 --share 0.99 --sample answers.jsonl",
    "trustlayer capacity --rps 200 --latency 500 -d figures -d grounding --json",
    Model="""\
Seconds of one core are measured here, on the answers of --sample or on a few of our own; they \
are put into a queueing model (M/G/k) that docs/capacity.md describes and compares with runs.""",
    codes="0 it was computed; 1 no number of cores suffices, or it could not run; 2 wrong usage; "
    "130 interrupted",
)


def capacity(
    rps: Annotated[
        float, option(min=0.001, metavar="N", help="Requests a second, one answer each.")
    ],
    latency: Annotated[
        float, option(min=0.1, metavar="MS", help="Milliseconds from a request to its findings.")
    ],
    share: Annotated[
        float, option(min=0.5, max=0.9999, metavar="P", help="Of the requests, within the latency.")
    ] = 0.95,
    detector: DetectorNames = None,
    sample_file: Annotated[
        str | None,
        option("--sample", metavar="FILE.jsonl", help="Answers like yours, to measure with."),
    ] = None,
    answers: Annotated[int, option(min=10, metavar="N", help="How many are measured.")] = 100,
    batch: Annotated[int, option(min=1, metavar="N", help="Size of the batch measured.")] = 8,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Compute how many cores answer N requests a second, each within a latency."""
    single_threaded()
    exchanges = sample(answers) if sample_file is None else _given(sample_file, answers)
    cost = measured(detectors_in_force(config, detector), exchanges, batch)
    try:
        plan = cores_for(cost, rps, latency / 1e3, share)
    except ValueError as error:
        say(f"{error} (median {quantile(cost.alone, 0.5) * 1e3:.1f} ms alone)", "error", "bold red")
        raise typer.Exit(1) from error
    if as_json:
        out().print_json(json.dumps(_object(plan, share)))
    else:
        _show(plan, latency, share, own=sample_file is None)


def _given(path: str, count: int) -> list[Exchange]:
    reading = Reading(OnError.STOP)
    with opened(path) as source:
        lines = reading.lines(source, _parse)
        exchanges = [line.exchange for line in islice(lines, count)]
    reading.finish()
    if not exchanges:
        say(f"{path} holds no answer; expected some to measure with", "error", "bold red")
        raise typer.Exit(1)
    return exchanges


def _parse(raw: bytes, number: int) -> list[ExchangeLine]:
    return [parse_exchange(raw, number)]


def _object(plan: Plan, share: float) -> dict[str, object]:
    return {
        "cores": plan.cores,
        "load": plan.load,
        "latency_ms": plan.latency(share) * 1e3,
        "saturated_rps": plan.saturated,
        "mean_ms": plan.cost.mean * 1e3,
        "batched_ms": plan.cost.batched * 1e3,
        "spread": plan.cost.spread,
        "measured": len(plan.cost.alone),
    }


def _show(plan: Plan, latency: float, share: float, *, own: bool) -> None:
    _show_cost(plan.cost)
    out().print(
        f"[bold]{plan.cores}[/bold] cores answer {plan.rate:g} requests a second, {share:.2%} "
        f"of them within {latency:g} ms"
    )
    table = Table("cores", "load", "p50", "p95", "p99", "at most")
    for number in sorted({max(1, plan.cores - 1), plan.cores, plan.cores + 1, 2 * plan.cores}):
        table.add_row(*_row(Plan(plan.cost, plan.rate, number)))
    out().print(table)
    out().print(f"This machine has {cores()}. A core here is one like those measured.")
    if own:
        say("measured on answers of our own; yours may cost more: --sample FILE.jsonl", "note")


def _show_cost(cost: Cost) -> None:
    middle, high = quantile(cost.alone, 0.5), quantile(cost.alone, 0.95)
    out().print(
        f"One answer takes a core {cost.mean * 1e3:.1f} ms (median {middle * 1e3:.1f}, 95 % "
        f"{high * 1e3:.1f}), in batches of {cost.batch} {cost.batched * 1e3:.1f} ms"
    )


def _row(plan: Plan) -> tuple[str, ...]:
    times = (plan.latency(share) * 1e3 for share in (0.5, 0.95, 0.99))
    shown = ("never" if time == float("inf") else f"{time:.0f} ms" for time in times)
    return (str(plan.cores), f"{plan.load:.0%}", *shown, f"{plan.saturated:.0f}/s")
