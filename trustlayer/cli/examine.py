"""``trustlayer examine``: files of answers in, a file of findings out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer

from trustlayer.batches import BATCH
from trustlayer.bulk.blocks import Block, Failure
from trustlayer.bulk.engines import LOCAL, Order
from trustlayer.bulk.files import expanded
from trustlayer.bulk.journal import Begun, Finished, Past
from trustlayer.bulk.output import output as opened_output
from trustlayer.bulk.run import Engine, Run
from trustlayer.cli._bulk import (
    STDIN,
    Failures,
    Inputs,
    Target,
    advice_on_broken,
    cut,
    engine_for,
    expect_device,
    keeping,
    policy_in_force,
    recipes_in_force,
)
from trustlayer.cli._options import (
    BatchSize,
    ConfigFile,
    DetectorNames,
    FromReplay,
    Timeout,
    argument,
    option,
)
from trustlayer.cli._progress import progress_of
from trustlayer.cli._reading import OnError, Reading
from trustlayer.cli._terminal import FAILED, examples, hint, say
from trustlayer.lines import ExchangeLine, parse_exchange
from trustlayer.replay import parse_replay

EPILOG = examples(
    "trustlayer examine answers.jsonl --output findings.jsonl",
    "trustlayer examine answers.jsonl.gz --detector figures --detector grounding > out.jsonl",
    """echo '{"answer": "It is 195 m tall.", "context": "324 m"}' | trustlayer examine -""",
    "trustlayer examine logs/ 'more/*.parquet' --output findings.jsonl --resume",
    "trustlayer examine logs/ -o findings.parquet --engine ray --address auto",
    Lines="""\
in   {"id"?, "prompt"?, "answer", "context"?: str | [str], "samples"?: [str], "logprobs"?: [float]}
out  {"id", "findings": {NAME: {"risk": 0..1, "evidence": [{"start", "end", "reason"}]} \
| {"unexamined": REASON}}}
The id is the line's number where none is given, with several inputs FILE:NUMBER. Offsets count \
characters of the answer; evidence on the answer as a whole has none. What is written is in the \
order of what is read, and the same whatever the engine and however many its workers.""",
    Files="""\
A folder stands for all *.jsonl, *.jsonl.gz and *.parquet in it. Beside an OUTPUT stand \
OUTPUT.journal, from which --resume goes on after Ctrl-C, a crash or a kill, and \
OUTPUT.failures.jsonl, a line for each row that could not be examined.""",
    codes="0 every line was examined; 1 a line was bad, also where it was skipped, or it could "
    "not run; 2 wrong usage; 130 interrupted",
)


class Device(StrEnum):
    """Where the bundled models run."""

    CPU = "cpu"
    CUDA = "cuda"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the options say."""

    inputs: Inputs
    target: Target
    order: Order
    engine: str
    size: int
    replay: bool
    failures: str | None
    store: str | None
    config: str | None


def examine(
    source: Annotated[
        list[str], argument(metavar="FILE.jsonl…", help="JSON lines, may be gzipped, Parquet, "
                            "folders, patterns; - is stdin.")
    ],
    detector: DetectorNames = None,
    output: Annotated[
        str, option("--output", "-o", metavar="OUT", help="*.jsonl or *.parquet; - is stdout.")
    ] = STDIN,
    on_error: Annotated[
        OnError | None,
        option("--on-error", help="Stop at a bad line (default for one input), or report it, go "
               "on (for several)."),
    ] = None,
    batch_size: BatchSize = BATCH,
    timeout: Timeout = 60.0,
    from_replay: FromReplay = False,
    config: ConfigFile = None,
    workers: Annotated[
        int | None, option(min=1, metavar="N", help="Processes; one for each core by default.")
    ] = None,
    resume: Annotated[bool, option("--resume", help="Go on where an earlier run ended.")] = False,
    failures: Annotated[
        str | None, option(metavar="FILE", help="Where to list what could not be examined.")
    ] = None,
    store: Annotated[
        str | None, option(metavar="URL", help="An audit store to load the outcomes into.")
    ] = None,
    engine: Annotated[
        str, option(metavar="NAME", help="local, or ray: trustlayer[ray].")
    ] = LOCAL,
    address: Annotated[
        str | None, option(metavar="HOST:PORT", help="A running Ray cluster; auto finds one.")
    ] = None,
    device: Annotated[
        Device | None, option(help="Where the bundled models run.", case_sensitive=False)
    ] = None,
) -> None:  # fmt: skip
    """Examine many answers: JSON lines or Parquet in, findings out, on all cores.

    Nothing is asked of a model. What was written stays, in whole lines.
    """
    paths = expanded(source)
    if STDIN in paths and len(paths) > 1:
        raise typer.BadParameter("standard input cannot be one of several inputs")
    if device is not None:
        expect_device(device, engine)
        os.environ["TRUSTLAYER_DEVICE"] = device  # workers inherit it
    if failures is None and output != STDIN:
        failures = f"{output}.failures.jsonl"
    order = Order(recipes_in_force(config, detector), timeout, workers, address)
    parse = parse_replay if from_replay else _parse
    wanted = Wanted(Inputs(paths, parse), Target(output, resume), order, engine, batch_size,
                    from_replay, failures, store, config)  # fmt: skip
    wanted.target.expect_other_than(paths)
    wanted.inputs.expect_any()
    reading = Reading(on_error or (OnError.STOP if len(paths) == 1 else OnError.SKIP))
    with advice_on_broken(detector), closing(wanted.inputs):
        _carry_out(wanted, reading)
    reading.finish()


def _carry_out(wanted: Wanted, reading: Reading) -> None:
    given = cut(wanted.inputs, reading, wanted.size)
    found, given = engine_for(wanted.engine, wanted.order, given, wanted.inputs.streamed)
    with found as engine:
        prints = wanted.inputs.fingerprints() if wanted.target.to_file else ()
        begun = Begun(prints, engine.records(), wanted.size, wanted.replay)
        past = wanted.target.past(begun)
        if past is not None and past.finished is not None:
            _finished_before(past.finished)
            return
        try:
            _examine(wanted, reading, engine, given, past or Past(begun, []))
        except KeyboardInterrupt:
            if wanted.target.to_file:
                hint("what was examined stays; to go on: the same command with --resume")
            raise


def _examine(
    wanted: Wanted,
    reading: Reading,
    engine: Engine,
    given: Iterator[Block | Failure],
    past: Past,
) -> None:
    target, begun = wanted.target, past.begun
    policy = policy_in_force(wanted.config) if wanted.store else None
    failures, answers = Failures(wanted.failures), 0
    with (
        opened_output(target.work, past.end) as written,
        target.journal(past) as journal,
        keeping(wanted.store, policy, begun) as keep,
        progress_of(wanted.inputs.size, wanted.inputs.reached, "examined") as counted,
    ):
        failures.clear()
        run = Run(engine, written, journal, keep, past.kept)
        for item in counted(run.over(given), _answers):
            answers += _answers(item)
            if isinstance(item, Failure):
                reading.failure(item)
                failures.add(item)
    if past.kept:
        before = sum(kept.answers for kept in past.kept)
        say(f"{before} of these were examined before, and not again", "note")
    if not reading.stopped:
        target.complete(begun, Finished(answers, failures.count))
    if failures.path is not None and failures.count:
        say(f"{failures.count} failures are listed in {failures.path}", "note")


def _answers(item: Block | Failure) -> int:
    return 0 if isinstance(item, Failure) else len(item.lines)


def _finished_before(finished: Finished) -> None:
    say(f"{finished.answers} answers, nothing is left to do", "examined before", "bold")
    if finished.failures:
        say(f"{finished.failures} failures were listed then", "error")
        raise typer.Exit(FAILED)


def _parse(raw: bytes, number: int) -> list[ExchangeLine]:
    return [parse_exchange(raw, number)]
