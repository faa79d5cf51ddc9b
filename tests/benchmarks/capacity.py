"""The capacity model beside measured runs: requests as they please, k workers, one line.

Run: python tests/benchmarks/capacity.py                    real detectors; on a quiet machine
     python tests/benchmarks/capacity.py --rest             workers sleep as long as was measured,
                                                            to test the model on a busy machine

An open-loop generator sends single answers at exponential intervals, whatever becomes of the
earlier ones, to worker processes as `trustlayer examine` starts them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import selectors
import sys
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from trustlayer.bulk.blocks import Block, Place
from trustlayer.bulk.frames import receive
from trustlayer.bulk.orders import order_of
from trustlayer.bulk.pool import Worker, cores
from trustlayer.bulk.recipes import recipes
from trustlayer.bulk.sparing import single_threaded
from trustlayer.capacity import Cost, Plan, quantile
from trustlayer.exchange import Exchange
from trustlayer.lines import write_exchange
from trustlayer.measuring import measured, sample
from trustlayer.registry import load

RESTING = """
import json, time
from pathlib import Path
from trustlayer import Exchange, Finding, detector

TIMES = json.loads((Path(__file__).parent / "times.json").read_text())

@detector
def resting(exchange: Exchange) -> Finding:
    time.sleep(TIMES[int(exchange.prompt)])
    return Finding(0.0)
"""


@dataclass(frozen=True)
class Load:
    """A run: *times* from each request to its findings, in seconds."""

    workers: int
    rate: float
    times: list[float]


def run(
    names: Sequence[str], exchanges: Sequence[Exchange], workers: int, rate: float, count: int
) -> Load:
    """Send *count* requests at *rate* a second to so many workers."""
    chance = random.Random(7)
    order = order_of(recipes(names), None)
    staff = [Worker.start(order) for _ in range(workers)]
    for worker in staff:
        assert worker.records() is not None
        worker.hand(_block(exchanges[0]))  # loads the models
        receive(worker.told)
        worker.blocks.clear()
    begun, due = time.perf_counter(), 0.0
    arrivals = []
    for _ in range(count):
        due += chance.expovariate(rate)
        arrivals.append(due)
    line: deque[tuple[float, Block]] = deque()
    sent: dict[int, float] = {}
    times: list[float] = []
    waiting = deque((at, _block(chance.choice(exchanges))) for at in arrivals)
    with selectors.DefaultSelector() as heard:
        for worker in staff:
            heard.register(worker.told, selectors.EVENT_READ, worker)
        while len(times) < count:
            now = time.perf_counter() - begun
            while waiting and waiting[0][0] <= now:
                line.append(waiting.popleft())
            for worker in staff:
                if not worker.blocks and line:
                    at, block = line.popleft()
                    sent[id(worker)] = at
                    worker.hand(block)
            left = waiting[0][0] - now if waiting else None
            for key, _ in heard.select(left):
                receive(key.data.told)
                key.data.blocks.clear()
                times.append(time.perf_counter() - begun - sent[id(key.data)])
    for worker in staff:
        worker.end()
    return Load(workers, rate, times)


def _block(exchange: Exchange) -> Block:
    return Block(0, (write_exchange(0, exchange).encode("ascii"),), (Place("", 1),))


def resting(folder: Path, cost: Cost) -> tuple[list[str], list[Exchange]]:
    """A detector that sleeps for the measured time of the answer whose number is the prompt."""
    info = folder / "resting-1.dist-info"
    info.mkdir()
    (folder / "resting_detector.py").write_text(RESTING)
    (folder / "times.json").write_text(json.dumps(cost.alone))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: resting\nVersion: 1\n")
    entry = "[trustlayer.detectors]\nresting = resting_detector:resting\n"
    (info / "entry_points.txt").write_text(entry)
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    return ["resting"], [Exchange(str(n), "yes") for n in range(len(cost.alone))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rest", action="store_true")
    parser.add_argument("--answers", type=int, default=100, help="measured")
    parser.add_argument("--requests", type=int, default=600)
    parser.add_argument("--workers", type=int, nargs=2, default=None)
    parser.add_argument("--loads", type=float, nargs="+", default=[0.5, 0.75])
    parser.add_argument("-d", "--detector", action="append")
    given = parser.parse_args()
    names = given.detector or ["grounding", "toxicity", "harm", "figures", "quotations"]
    single_threaded()
    exchanges = sample(given.answers)
    cost = measured([load(name) for name in names], exchanges, 8)
    print(
        f"one answer: {cost.mean * 1e3:.1f} ms of a core, c² {cost.spread:.2f}; in batches of "
        f"{cost.batch} {cost.batched * 1e3:.1f} ms"
    )
    sizes = given.workers or ([4, 16] if given.rest else [1, cores()])
    with tempfile.TemporaryDirectory() as name:
        if given.rest:
            names, exchanges = resting(Path(name), cost)
        for workers in sizes:
            for share in given.loads:
                rate = share * workers / cost.mean
                found = run(names, exchanges, workers, rate, given.requests)
                plan = Plan(cost, rate, workers)
                words = [
                    f"p{p:.0%} {quantile(found.times, p) * 1e3:.0f} / {plan.latency(p) * 1e3:.0f}"
                    for p in (0.5, 0.95, 0.99)
                ]
                print(f"{workers} workers, load {share:.0%}, {rate:.1f}/s; measured / model, ms: "
                      + ", ".join(words), flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
