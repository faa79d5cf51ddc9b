"""``trustlayer examine``: a file of answers in, a file of findings out."""

from __future__ import annotations

from typing import Annotated

from trustlayer.batches import BATCH, examined
from trustlayer.cli._options import (
    BatchSize,
    ConfigFile,
    DetectorNames,
    FromReplay,
    Lines,
    Timeout,
    WhenBad,
    detectors_in_force,
    option,
)
from trustlayer.cli._progress import progress
from trustlayer.cli._reading import OnError, Reading, opened
from trustlayer.cli._terminal import examples
from trustlayer.cli._writing import sink
from trustlayer.lines import ExchangeLine, parse_exchange, write_findings
from trustlayer.replay import parse_replay

EPILOG = examples(
    "trustlayer examine answers.jsonl --output findings.jsonl",
    "trustlayer examine answers.jsonl.gz --detector figures --detector grounding > out.jsonl",
    """echo '{"answer": "It is 195 m tall.", "context": "324 m"}' | trustlayer examine -""",
    Lines="""\
in   {"id"?, "prompt"?, "answer", "context"?: str | [str], "samples"?: [str], "logprobs"?: [float]}
out  {"id", "findings": {NAME: {"risk": 0..1, "evidence": [{"start", "end", "reason"}]} \
| {"unexamined": REASON}}}
The id is the line's number where none is given. Offsets count characters of the answer; evidence \
on the answer as a whole has none. What is written is in the order of what is read.""",
    codes="0 every line was examined; 1 a line was bad, also where it was skipped, or it could "
    "not run; 2 wrong usage; 130 interrupted",
)


def examine(
    source: Lines,
    detector: DetectorNames = None,
    output: Annotated[
        str, option("--output", "-o", metavar="OUT.jsonl", help="- is stdout.")
    ] = "-",
    on_error: WhenBad = OnError.STOP,
    batch_size: BatchSize = BATCH,
    timeout: Timeout = 60.0,
    from_replay: FromReplay = False,
    config: ConfigFile = None,
) -> None:
    """Examine many answers: JSON lines in (gzipped or not, - for stdin), findings out.

    Nothing is asked of a model and nothing recorded. What was written stays, in whole lines.
    """
    detectors = detectors_in_force(config, detector)
    reading = Reading(on_error)
    with (
        opened(source) as given,
        sink(output, source) as written,
        progress(given, "examined") as counted,
    ):
        lines = reading.lines(given, parse_replay if from_replay else _parse)
        for line, found in counted(examined(lines, detectors, batch_size, timeout)):
            written.write(write_findings(line.id, found.findings, found.unexamined))
    reading.finish()


def _parse(raw: bytes, number: int) -> list[ExchangeLine]:
    return [parse_exchange(raw, number)]
