"""Runs of `trustlayer examine`, looked at while they last: time, processor, memory."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from trustlayer.measuring import sample

DATA = Path(os.environ.get("TRUSTLAYER_DATA", "../shared/data")) / "grounding" / "dev.jsonl.gz"
TICK = os.sysconf("SC_CLK_TCK")
SHORT = 400  # characters of a line
LOOKS = 0.2  # seconds between two looks at the processes
_WORKERS = ("bulk.worker", "Examining")


@dataclass(frozen=True)
class Taken:
    """What a run took: seconds of its own, from its first answer to its last and *whole*, from
    the start of the command to its end; seconds of the processor; resident memory in MB, at
    most: of all processes together, of each worker, and of all in each tenth of the time.
    """

    seconds: float
    whole: float
    processor: float
    rate: float
    memory: float
    each: list[float]
    tenths: list[float]


def rows(count: int, most: int | None = None) -> Iterator[str]:
    """Answers as lines of up to *most* characters, *count* of them, mixed, repeated if need be."""
    lines = [line for line in _lines() if most is None or len(line) <= most]
    random.Random(8).shuffle(lines)
    return islice(cycle(lines), count)


def _lines() -> Iterator[str]:
    if not DATA.exists():
        for e in sample(1000):
            yield json.dumps({"prompt": e.prompt, "answer": e.answer, "context": list(e.context)})
        return
    with gzip.open(DATA, "rt", encoding="utf-8") as file:
        for row in map(json.loads, file):
            kept = {key: row[key] for key in ("answer", "context")}
            yield json.dumps(kept | {"prompt": row["question"]})


def written(folder: Path, count: int, most: int | None = None) -> Path:
    path = folder / f"{count}-{most}.jsonl"
    if not path.exists():
        lines = (f"{line}\n" for line in rows(count, most))
        path.write_text("".join(lines), encoding="utf-8")
    return path


def command(given: Path, output: Path, names: Sequence[str], *options: str) -> list[str]:
    detectors = [word for name in names for word in ("-d", name)]
    start = [sys.executable, "-m", "trustlayer", "examine", str(given), "-o", str(output)]
    return [*start, *detectors, "--on-error", "skip", *options]


def tree(pid: int) -> Iterator[int]:
    yield pid
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split():
                yield from tree(int(child))
    except OSError:
        return


def measured(line: Sequence[str]) -> Taken:
    """Run a command, and look at it and all that it starts again and again."""
    processor, each = dict[int, float](), dict[int, float]()
    totals: list[float] = []
    begun = time.perf_counter()
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            totals.append(sum(_look(pid, processor, each) for pid in tree(process.pid)))
            time.sleep(LOOKS)
        whole = time.perf_counter() - begun
        assert process.stderr is not None
        told = process.stderr.read()
    found = re.search(r"examined: (\d+) answers in ([\d.]+) s", told)
    if found is None:
        raise SystemExit(told)
    seconds = float(found[2])
    return Taken(
        seconds,
        whole,
        sum(processor.values()),
        int(found[1]) / seconds,
        max(totals),
        [*each.values()],
        [max(totals[len(totals) * n // 10 :][: len(totals) // 10 + 1]) for n in range(10)],
    )


def _look(pid: int, processor: dict[int, float], each: dict[int, float]) -> float:
    # Its resident memory in MB; notes its seconds, and its memory if it is a worker.
    try:
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        name = Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return 0.0
    processor[pid] = (int(stat[11]) + int(stat[12])) / TICK
    size = int(stat[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    if any(word in name for word in _WORKERS):
        each[pid] = max(size, each.get(pid, 0.0))
    return size
