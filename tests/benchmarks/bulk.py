"""Bulk examination: equality, faults, scaling, Ray's overhead, memory.

Run: python tests/benchmarks/bulk.py                      all of it; an hour on two quiet cores
     python tests/benchmarks/bulk.py equality faults      on 5,000 answers
     python tests/benchmarks/bulk.py scaling              600 answers of all lengths; 10 minutes
     python tests/benchmarks/bulk.py overhead --turns 2   20,000 short answers; 15 minutes
     python tests/benchmarks/bulk.py memory               10,000 answers; 10 minutes
     python tests/benchmarks/bulk.py scaling --rest 25    detectors that sleep: on a busy machine

Wall-clock ratios mean something on a quiet machine only; seconds of the processor, of all
processes together, stand beside them. Answers are those of $TRUSTLAYER_DATA/grounding/dev, or
some of our own.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.running import SHORT, command, measured, written
from tests.bulk.nodes import Nodes

RESTING = """
import os, time
from trustlayer import Exchange, Finding, detector

@detector
def resting(exchange: Exchange) -> Finding:
    time.sleep(float(os.environ["RESTING_MS"]) / 1e3)
    return Finding(len(exchange.answer) % 97 / 97)
"""


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
                f"scaling, {engine}: {count} answers: 1 worker {one.rate:.2f}/s, 2 workers "
                f"{two.rate:.2f}/s: {ratios[-1]:.2f} times; processor {one.processor:.0f} s and "
                f"{two.processor:.0f} s; a worker holds up to {max(two.each, default=0):.0f} MB, "
                f"all together {two.memory:.0f} MB",
                flush=True,
            )
        print(f"scaling, {engine}: {median(ratios):.2f} times (median)", flush=True)


def overhead(folder: Path, count: int, names: Sequence[str], turns: int) -> None:
    """Ray against the local engine, with as many workers, in turns, on short answers."""
    given = written(folder, count, SHORT)
    ratios = []
    for _ in range(turns):
        local, ray = (
            measured(command(given, folder / "out.jsonl", names, "--engine", engine,
                             "--workers", "2"))
            for engine in ("local", "ray")
        )  # fmt: skip
        ratios.append(ray.whole / local.whole - 1)
        print(
            f"overhead: {count} answers, 2 workers, from the start of the command to its end: "
            f"local {local.whole:.1f} s, Ray {ray.whole:.1f} s ({ratios[-1]:+.1%}); examining "
            f"alone {local.seconds:.1f} s and {ray.seconds:.1f} s "
            f"({ray.seconds / local.seconds - 1:+.1%}), start and end "
            f"{local.whole - local.seconds:.1f} s and {ray.whole - ray.seconds:.1f} s; processor "
            f"{local.processor:.0f} s and {ray.processor:.0f} s "
            f"({ray.processor / local.processor - 1:+.1%}); an actor holds up to "
            f"{max(ray.each, default=0):.0f} MB, all together {ray.memory:.0f} MB",
            flush=True,
        )
    print(f"overhead: {median(ratios):+.1%} (median)", flush=True)


def memory(folder: Path, count: int, names: Sequence[str]) -> None:
    """The command with its default number of workers: its peak in each tenth of the time."""
    taken = measured(command(written(folder, count), folder / "out.jsonl", names))
    tenths = ", ".join(f"{size:.0f}" for size in taken.tenths)
    print(
        f"memory: {count} answers in {taken.seconds:.0f} s: at most {taken.memory:.0f} MB, of "
        f"which workers {', '.join(f'{size:.0f}' for size in taken.each)}; by tenths {tenths}",
        flush=True,
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
    parts = ("equality", "faults", "scaling", "overhead", "memory")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(parts)}; all by default")
    parser.add_argument("--answers", type=int, default=5000, help="of equality and faults")
    parser.add_argument("--scaling-answers", type=int, default=600)
    parser.add_argument("--memory-answers", type=int, default=10_000)
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
                scaling(folder, given.scaling_answers, names, given.turns)
            elif part == "memory":
                memory(folder, given.memory_answers, names)
            else:
                overhead(folder, given.overhead_answers, names, given.turns)


if __name__ == "__main__":
    main()
