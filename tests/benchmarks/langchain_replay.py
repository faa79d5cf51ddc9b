"""The replayed answers through a chain wrapped by `trusted`, and the process killed 20 times.

    python tests/benchmarks/langchain_replay.py [--answers 100] [--kills 20]

The chain's model is the recorded one. First the answers run through once, one outcome each in
SQLite. Then the same is begun anew and ended by SIGKILL at random moments: no outcome may be
missing whose answer had been handed out, and the database must open clean.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable, RunnableLambda

from trustlayer import Policy, Verifier, load
from trustlayer.audit import AuditStore
from trustlayer.errors import UnknownOutcome
from trustlayer_langchain import trusted

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("TRUSTLAYER_DATA", ROOT.parent / "shared" / "data"))
REPLAY = DATA / "replay" / "ragtruth_qa_a.jsonl.gz"
PROMPT = ChatPromptTemplate.from_template("Passages: {passages}\n\nQuestion: {question}")


def recorded() -> Iterator[dict[str, Any]]:
    """Every recorded answer, as the input of the chain."""
    with gzip.open(REPLAY, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            for response in row["responses"]:
                passages = [Document(row["context"])]
                yield {
                    "question": row["question"],
                    "passages": passages,
                    "recorded": response["text"],
                }


def chain(store: AuditStore) -> Runnable[Any, Any]:
    """Prompt, recorded model, parser; what is rejected is held, as nobody can write it anew."""
    detectors = [load(name) for name in ("figures", "quotations", "grounding")]
    verifier = Verifier(detectors, policy=Policy(revisions=0), store=store)

    def answer(given: dict[str, Any]) -> str:
        PROMPT.invoke(given)
        return str(given["recorded"])

    model: Runnable[dict[str, Any], str] = RunnableLambda(answer)
    return trusted(model | StrOutputParser(), verifier, context="passages")


def replay(url: str, count: int) -> None:
    """Hand out *count* answers, printing the id of each as soon as it is handed out."""
    with AuditStore.create(url) as store:
        wrapped = chain(store)
        print("begun", flush=True)
        for given, _ in zip(recorded(), range(count), strict=False):
            message = wrapped.invoke(given)
            print(message.trust["outcome_id"], message.trust["action"], flush=True)


def started(url: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, "--replay", url, "--answers", str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def measure(folder: Path, count: int) -> None:
    """Run through once and count."""
    url = f"sqlite:///{folder / 'whole.db'}"
    process = started(url, count)
    assert process.stdout is not None
    process.stdout.readline()
    begun = time.perf_counter()
    lines = process.stdout.read().splitlines()
    seconds = time.perf_counter() - begun
    assert process.wait() == 0
    with AuditStore.open(url) as store:
        kept = sum(store.outcome(line.split()[0]).id == line.split()[0] for line in lines)
    actions = Counter(line.split()[1] for line in lines)
    print(f"{len(lines)} answers handed out, {kept} outcomes in SQLite, {dict(actions)}")
    print(f"{seconds:.1f} s, {seconds / len(lines):.3f} s an answer")


def kill(folder: Path, number: int, count: int) -> tuple[int, int]:
    """Kill a run at a random moment; return how many were handed out, and how many are lost."""
    url = f"sqlite:///{folder / f'killed-{number}.db'}"
    process = started(url, count)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(random.Random(number).uniform(0.0, 6.0))
    process.send_signal(signal.SIGKILL)
    handed = [line.split() for line in process.stdout.read().split("\n")[:-1]]
    process.wait()
    with AuditStore.open(url) as store:
        lost = [found for found, *_ in handed if not _is_kept(store, found)]
    return len(handed), len(lost)


def _is_kept(store: AuditStore, outcome_id: str) -> bool:
    try:
        return store.outcome(outcome_id).id == outcome_id
    except UnknownOutcome:
        return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=100)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--replay", metavar="URL", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.replay:
        replay(options.replay, options.answers)
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), options.answers)
        found = [kill(Path(folder), n, options.answers) for n in range(options.kills)]
    handed, lost = (sum(column) for column in zip(*found, strict=True))
    print(f"{options.kills} kills: {handed} answers handed out before them, {lost} outcomes lost")


if __name__ == "__main__":
    main()
