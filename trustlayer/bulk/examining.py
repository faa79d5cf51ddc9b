"""Files in, a file out: what ``trustlayer examine`` does, for programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass

from trustlayer.batches import BATCH
from trustlayer.bulk.blocks import Failure, blocks
from trustlayer.bulk.engines import LOCAL, Order, engine
from trustlayer.bulk.files import Input, expanded, fingerprint
from trustlayer.bulk.journal import (
    Begun,
    Finished,
    Journal,
    Past,
    beside,
    expect_same,
    finish,
    past,
)
from trustlayer.bulk.output import output as opened
from trustlayer.bulk.reading import named_by_file, read
from trustlayer.bulk.recipes import Recipe
from trustlayer.bulk.run import Engine, Run
from trustlayer.lines import ExchangeLine, parse_exchange


@dataclass(frozen=True, slots=True)
class Summary:
    """How many answers are in the output, how many of them from before, how many rows failed."""

    answers: int
    before: int
    failures: int


def examine(
    inputs: Sequence[str],
    output: str,
    detectors: Sequence[str | Recipe],
    *,
    resume: bool = False,
    workers: int | None = None,
    on: str = LOCAL,
    address: str | None = None,
    batch_size: int = BATCH,
    timeout: float | None = 60.0,
    on_failure: Callable[[Failure], None] | None = None,
) -> Summary:
    """Write the findings for all answers in the *inputs* to *output*, as lines, in order.

    *inputs* are files of JSON lines or Parquet, folders and patterns. Rows that cannot be read
    are told to *on_failure* and left out. With *resume* an earlier call that broke off is
    continued. *on* names the engine: ``local`` or ``ray``. Raises CannotResume, Unreadable,
    BrokenDetector and WorkerLost.
    """
    paths = expanded(inputs)
    made = tuple(Recipe(d) if isinstance(d, str) else d for d in detectors)
    with (
        closing(read(paths, _parse, lambda _: None)) as found,
        engine(on, Order(made, timeout, workers, address)) as started,
    ):
        given = blocks(found if len(paths) == 1 else map(named_by_file, found), batch_size)
        before = _before(started, paths, output, batch_size, resume)
        if before.finished is not None:
            return Summary(before.finished.answers, before.finished.answers, 0)
        answers = failures = 0
        with opened(output, before.end) as file, _journal(output, before) as journal:
            for item in Run(started, file, journal, past=before.kept).over(given):
                if isinstance(item, Failure):
                    failures += 1
                    if on_failure is not None:
                        on_failure(item)
                else:
                    answers += len(item.lines)
    finish(beside(output), before.begun, Finished(answers, failures))
    return Summary(answers, sum(kept.answers for kept in before.kept), failures)


def _before(started: Engine, paths: Sequence[str], output: str, size: int, resume: bool) -> Past:
    prints = tuple(fingerprint(path) or Input(path, 0, "") for path in paths)
    begun = Begun(prints, started.records(), size)
    found = past(output, output) if resume else None
    if found is None:
        return Past(begun, [])
    expect_same(found.begun, begun)
    return found


def _journal(output: str, before: Past) -> AbstractContextManager[Journal]:
    return Journal.go_on(beside(output), before)


def _parse(raw: bytes, number: int) -> list[ExchangeLine]:
    return [parse_exchange(raw, number)]
