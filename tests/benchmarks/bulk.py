"""Bulk examination: equality, faults, scaling, Ray's overhead, memory.

Run: python tests/benchmarks/bulk.py                      all of it; an hour on two quiet cores
     python tests/benchmarks/bulk.py equality faults      on 5,000 answers
     python tests/benchmarks/bulk.py scaling overhead     overhead on 20,000 answers
     python tests/benchmarks/bulk.py scaling --rest 25    detectors that sleep: on a busy machine

Wall-clock ratios mean something on a quiet machine only; seconds of the processor, of all
processes together, stand beside them. Answers are those of $TRUSTLAYER_DATA/grounding/dev, or
some of our own.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bulk.nodes import Nodes
from trustlayer.measuring import sample

DATA = Path(os.environ.get("TRUSTLAYER_DATA", "../shared/data")) / "grounding" / "dev.jsonl.gz"
TICK = os.sysconf("SC_CLK_TCK")
RESTING = """
import os, time
from trustlayer import Exchange, Finding, detector

@detector
def resting(exchange: Exchange) -> Finding:
    time.sleep(float(os.environ["RESTING_MS"]) / 1e3)
    return Finding(len(exchange.answer) % 97 / 97)
"""


@dataclass(frozen=True)
class Taken:
    """What a run took: its own seconds, those of the processor, and memory, in MB."""

    seconds: float
    processor: float
    rate: float
    memory: float
    each: list[float]


def rows(count: int) -> Iterator[str]:
    """Answers as lines, *count* of them, repeated where there are fewer."""
    if DATA.exists():
        with gzip.open(DATA, "rt", encoding="utf-8") as file:
            found = [json.loads(line) for line in file]
        lines = [
            json.dumps({k: row[k] for k in ("answer", "context")} | {"prompt": row["question"]})
            for row in found
        ]
    else:
        lines = [
            json.dumps({"prompt": e.prompt, "answer": e.answer, "context": list(e.context)})
            for e in sample(1000)
        ]
    return islice(cycle(lines), count)


def written(folder: Path, count: int) -> Path:
    path = folder / f"{count}.jsonl"
    if not path.exists():
        path.write_text("".join(f"{line}\n" for line in rows(count)), encoding="utf-8")
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
    """Run a command; look at it and all that it starts twice a second."""
    processor: dict[int, float] = {}
    peak, each = 0.0, dict[int, float]()
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            total = 0.0
            for pid in tree(process.pid):
                try:
                    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                    name = Path(f"/proc/{pid}/cmdline").read_text()
                except OSError:
                    continue
                processor[pid] = (int(stat[11]) + int(stat[12])) / TICK
                size = int(stat[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6
                total += size
                if "bulk.worker" in name or "Examining" in name:
                    each[pid] = max(size, each.get(pid, 0.0))
            peak = max(peak, total)
            time.sleep(0.5)
        assert process.stderr is not None
        told = process.stderr.read()
    found = re.search(r"examined: (\d+) answers in ([\d.]+) s", told)
    if found is None:
        raise SystemExit(told)
    seconds = float(found[2])
    return Taken(seconds, sum(processor.values()), int(found[1]) / seconds, peak, [*each.values()])


def equality(folder: Path, count: int, names: Sequence[str]) -> None:
    """A cluster of three nodes against the local engine."""
    given = written(folder, count)
    local, ray = folder / "local.jsonl", folder / "ray.jsonl"
    subprocess.run(command(given, local, names), check=True)
    with Nodes(folder / "site") as nodes:
        for _ in range(2):
            nodes.add(cpus=1)
        options = ["--engine", "ray", "--address", nodes.address]
        subprocess.run(command(given, ray, names, *options), check=True)
    same = local.read_bytes() == ray.read_bytes()
    print(f"equality: {count} answers, 3 nodes: findings {'equal' if same else 'DIFFER'}")


def faults(folder: Path, count: int, names: Sequence[str]) -> None:
    """An actor, a node and the driver are killed in the middle."""
    given, local = written(folder, count), folder / "local.jsonl"
    if not local.exists():
        subprocess.run(command(given, local, names), check=True)
    output = folder / "faults.jsonl"
    with Nodes(folder / "site2") as nodes:
        nodes.add(cpus=1)
        extra = nodes.add(cpus=1)
        options = ["--engine", "ray", "--address", nodes.address]
        with subprocess.Popen(command(given, output, names, *options)) as process:
            _await(output, count // 8, process)
            _kill_actor()
            _await(output, count // 4, process)
            nodes.kill(extra)
            _await(output, count // 2, process)
            process.send_signal(signal.SIGKILL)
        lines = output.read_bytes().count(b"\n")
        told = subprocess.run(
            command(given, output, names, *options, "--resume"),
            check=True,
            stderr=subprocess.PIPE,
            text=True,
        ).stderr
    same = local.read_bytes() == output.read_bytes()
    before = re.search(r"(\d+) of these were examined before", told)
    print(
        f"faults: an actor killed after {count // 8}, a node after {count // 4}, the driver after "
        f"{lines} of {count}; resumed after {before and before[1]}: findings "
        f"{'equal' if same else 'DIFFER'}, none lost, none twice"
    )


def _await(output: Path, lines: int, process: subprocess.Popen[bytes]) -> None:
    while not output.exists() or output.read_bytes().count(b"\n") < lines:
        if process.poll() is not None:
            raise SystemExit("it ended too early")
        time.sleep(0.05)


def _kill_actor() -> None:
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if b"ray::Examining" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(int(pid), signal.SIGKILL)
                return
        except OSError:
            continue
    raise SystemExit("found no actor to kill")


def scaling(folder: Path, count: int, names: Sequence[str], turns: int) -> None:
    """Two actors against one, and two processes against one, in turns."""
    given = written(folder, count)
    for engine in ("local", "ray"):
        ratios = []
        for _ in range(turns):
            one, two = (
                measured(command(given, folder / "out.jsonl", names, "--engine", engine,
                                 "--workers", str(workers)))
                for workers in (1, 2)
            )  # fmt: skip
            ratios.append(two.rate / one.rate)
            print(
                f"scaling, {engine}: 1 worker {one.rate:.1f}/s, 2 workers {two.rate:.1f}/s: "
                f"{ratios[-1]:.2f} times; processor {one.processor:.0f} s and "
                f"{two.processor:.0f} s; a worker holds up to {max(two.each, default=0):.0f} MB, "
                f"all together {two.memory:.0f} MB"
            )
        print(f"scaling, {engine}: {sorted(ratios)[len(ratios) // 2]:.2f} times (median)")


def overhead(folder: Path, count: int, names: Sequence[str], turns: int) -> None:
    """Ray against the local engine, with as many workers, in turns."""
    given = written(folder, count)
    for _ in range(turns):
        local, ray = (
            measured(command(given, folder / "out.jsonl", names, "--engine", engine,
                             "--workers", "2"))
            for engine in ("local", "ray")
        )  # fmt: skip
        print(
            f"overhead: {count} answers, 2 workers: local {local.seconds:.1f} s, Ray "
            f"{ray.seconds:.1f} s ({ray.seconds / local.seconds - 1:+.1%}); processor "
            f"{local.processor:.0f} s and {ray.processor:.0f} s "
            f"({ray.processor / local.processor - 1:+.1%}, Ray's daemons and start included)"
        )


def rest(folder: Path, milliseconds: float) -> list[str]:
    """Install a detector that sleeps; returns its name."""
    site = folder / "resting"
    info = site / "resting-1.dist-info"
    info.mkdir(parents=True)
    (site / "resting_detector.py").write_text(RESTING)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: resting\nVersion: 1\n")
    entry = "[trustlayer.detectors]\nresting = resting_detector:resting\n"
    (info / "entry_points.txt").write_text(entry)
    os.environ["PYTHONPATH"] = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    os.environ["RESTING_MS"] = str(milliseconds)
    return ["resting"]


def main() -> None:
    parts = ("equality", "faults", "scaling", "overhead")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(parts)}; all by default")
    parser.add_argument("--answers", type=int, default=5000)
    parser.add_argument("--overhead-answers", type=int, default=20_000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--rest", type=float, metavar="MS", help="sleep so long an answer instead")
    parser.add_argument("-d", "--detector", action="append")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        names = given.detector or ["grounding", "toxicity", "harm", "figures", "quotations"]
        names = names if given.rest is None else rest(folder, given.rest)
        for site in ("site", "site2"):
            (folder / site).mkdir()
        for part in given.parts or parts:
            if part in ("equality", "faults"):
                globals()[part](folder, given.answers, names)
            elif part == "scaling":
                scaling(folder, given.answers, names, given.turns)
            else:
                overhead(folder, given.overhead_answers, names, given.turns)


if __name__ == "__main__":
    main()
