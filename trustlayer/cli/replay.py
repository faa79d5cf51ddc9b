"""``trustlayer replay``: the loop over recorded answers that people have judged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from trustlayer.certificate import Certificate
from trustlayer.cli._options import AsJson, argument, detectors_named, option
from trustlayer.cli._picture import draw
from trustlayer.cli._reading import opened
from trustlayer.cli._replay_view import view
from trustlayer.cli._terminal import USAGE, err, examples, out, say
from trustlayer.curves import Curves, curves
from trustlayer.jsonl import rows
from trustlayer.model import Price
from trustlayer.policy import Policy
from trustlayer.recorded import LADDER, PRICES, Rung, complete, parse_question, remembered
from trustlayer.rehearsal import LIMIT, SPEND, Played, Stage, figures, play, uses

EPILOG = examples(
    "trustlayer replay recorded.jsonl.gz",
    "trustlayer replay recorded.jsonl.gz --ladder llama-2-7b-chat,gpt-4-0613 --spend 0.3",
    "trustlayer replay recorded.jsonl --ladder small/other,large --revisions 1 --price small=1:2",
    "trustlayer replay recorded.jsonl.gz --picture curves.png --json > replay.json",
    Lines="""\
in  {"source_id", "question", "context"?, "responses": [{"model", "text", "hallucinated": 1 | 0}]}
Answers without a model are left out, and so are questions that a model of the ladder did not \
answer. Where no tokens are counted, four characters are one.""",
    codes="0 replayed; 1 a line was bad, or it could not run; 2 wrong usage",
)


class Rules(StrEnum):
    """What sends an answer on to the next rung."""

    THRIFT = "thrift"
    LIMITS = "limits"


def replay(
    source: Annotated[
        str, argument(metavar="FILE", help="JSON lines, may be gzipped; - is stdin.")
    ],
    ladder: Annotated[
        str, option(metavar="A,B,…", help="Models, weakest first; A/C lets C answer a revision.")
    ] = ",".join(LADDER),
    policy: Annotated[
        Rules,
        option(help="Escalate what is worth its price, or only what exceeds a limit."),
    ] = Rules.THRIFT,
    limit: Annotated[
        float | None,
        option(
            help=f"Risk above which nothing is delivered: {LIMIT} by default for thrift, for "
            "limits each detector's own."
        ),
    ] = None,
    spend: Annotated[
        float, option(help="With thrift: the share of the strongest model's price to spend.")
    ] = SPEND,
    revisions: Annotated[int, option(min=0, help="Second tries granted to each rung.")] = 0,
    certificate: Annotated[
        Path | None, option(metavar="CERT.json", help="Take the limits from this certificate.")
    ] = None,
    detector: Annotated[
        list[str], option("--detector", "-d", metavar="NAME", help="May be repeated.")
    ] = ["grounding"],  # noqa: B006  # typer copies it
    price: Annotated[
        list[str] | None,
        option(metavar="MODEL=IN:OUT", help="US dollars a million tokens read and written."),
    ] = None,
    picture: Annotated[Path | None, option(metavar="PICTURE.png", help="Draw the curves.")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell what the loop would have done with recorded answers whose quality people judged.

    The loop is the real one; its models give the answers that were recorded. Shares come with
    95 % bootstrap intervals over the questions.
    """
    rungs = _rungs(ladder, price or [])
    stage, left_out = _stage(source, rungs, detector)
    rules = _policy(policy, limit, revisions, certificate)
    thrift = stage.thrift(spend) if policy is Rules.THRIFT else None
    with err().status("replaying"):
        played = play(stage, rules, thrift)
        drawn = curves(stage, rules)
    if picture is not None:
        draw(drawn, played, picture)
    found = _document(stage, played, drawn, rules, left_out)
    if as_json:
        typer.echo(json.dumps(found, indent=2, allow_nan=False))
    else:
        out().print(*view(found), sep="\n")


def _rungs(ladder: str, priced: Sequence[str]) -> list[Rung]:
    prices = PRICES | dict(map(_price, priced))
    names = [tuple(rung.split("/")) for rung in ladder.split(",")]
    if unknown := [name for rung in names for name in rung if name not in prices]:
        say(f"no price is known of {', '.join(unknown)}", "error", "bold red")
        say(f"--price {unknown[0]}=IN:OUT, in US dollars a million tokens", "give it with", "dim")
        raise typer.Exit(USAGE)
    return [Rung(rung, {name: prices[name] for name in rung}) for rung in names]


def _price(text: str) -> tuple[str, Price]:
    name, _, numbers = text.rpartition("=")
    try:
        read, written = map(float, numbers.split(":"))
    except ValueError as error:
        message = f"--price {text}: expected MODEL=IN:OUT, e.g. --price gpt-4-0613=30:60"
        raise typer.BadParameter(message) from error
    return name, Price(read, written)


def _stage(source: str, rungs: Sequence[Rung], names: Sequence[str]) -> tuple[Stage, int]:
    models = [name for rung in rungs for name in rung.names]
    with opened(source) as given:
        read = [parse_question(row.raw, row.number) for row in rows(given.file)]
    questions = complete(read, models)
    if not questions:
        known = sorted({name for question in read for name in question.answers})
        say(f"no question was answered by all of {', '.join(models)}", "error", "bold red")
        say(", ".join(known) or "none", "models in the file", "dim")
        raise typer.Exit(USAGE)
    exchanges = list(dict.fromkeys(q.exchange(name) for q in questions for name in models))
    with err().status(f"examining {len(exchanges)} answers"):
        detectors = [remembered(d, exchanges) for d in detectors_named(names)]
    return Stage(questions, rungs, detectors), len(read) - len(questions)


def _policy(rules: Rules, limit: float | None, revisions: int, certificate: Path | None) -> Policy:
    if certificate is not None:
        issued = Certificate.from_json(certificate.read_text(encoding="utf-8"))
        return Policy.certified(issued, revisions=revisions)
    if limit is None and rules is Rules.THRIFT:
        limit = LIMIT
    return Policy(limit=limit, revisions=revisions)


def _document(
    stage: Stage, played: Sequence[Played], drawn: Curves, rules: Policy, left_out: int
) -> dict[str, Any]:
    measured = figures(played)
    shares = {name: _number(figure.value) for name, figure in measured.items()}
    return shares | {
        "price_strongest": stage.price_of(stage.strongest),
        "price_weakest": stage.price_of(stage.weakest),
        "intervals": {n: [_number(f.low), _number(f.high)] for n, f in measured.items()},
        "questions": len(played),
        "left_out": left_out,
        "ladder": [list(rung.names) for rung in stage.ladder],
        "prices": {n: asdict(p) for rung in stage.ladder for n, p in rung.prices.items()},
        "policy": repr(rules),
        "detectors": {d.name: getattr(d, "version", "0") for d in stage.detectors},
        "by_model": {name: asdict(use) for name, use in uses(played).items()},
        "curves": _plain(asdict(drawn)),
    }


def _number(value: float) -> float | None:
    return value if value == value else None  # NaN is not JSON


def _plain(value: object) -> Any:
    """What JSON can hold of *value*: NaN becomes null."""
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, dict):
        return {n: _plain(inner) for n, inner in cast("dict[str, object]", value).items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in cast("Sequence[object]", value)]
    return value
