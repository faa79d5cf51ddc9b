"""The journal beside an output: which blocks are in it, so that a run can be continued.

JSON lines: first what was begun (`Begun`), then a line for each block whose findings are in
the output, and at the end, in place of those, a line that says so. A block's line is written
after its findings, so a journal never promises what is not there.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import IO, Any, cast

from trustlayer.bulk.blocks import Block
from trustlayer.bulk.files import Input
from trustlayer.bulk.queue import Done
from trustlayer.errors import CannotResume
from trustlayer.outcome import DetectorRecord

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Begun:
    """All that findings depend on; *started* and *run* name the run in the audit store."""

    inputs: tuple[Input, ...]
    detectors: tuple[DetectorRecord, ...]
    size: int
    replay: bool = False
    run: str = field(default_factory=lambda: uuid.uuid4().hex)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    def written(self) -> bytes:
        values = {"journal": FORMAT, **asdict(self), "started": self.started.isoformat()}
        return _line(values)


@dataclass(frozen=True, slots=True)
class Finished:
    """What the command said at its end: how many answers were examined, how many rows failed."""

    answers: int
    failures: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A block that is in the output, up to byte *end* of it."""

    digest: str
    found: str
    end: int
    answers: int
    trouble: str | None = None


@dataclass(slots=True)
class Past:
    """What an earlier run left behind."""

    begun: Begun
    kept: list[Kept]
    finished: Finished | None = None

    @property
    def end(self) -> int:
        """The bytes of the output that stay."""
        return self.kept[-1].end if self.kept else 0


@dataclass(slots=True)
class Journal:
    """Writes a line for each block; use `go_on`."""

    file: IO[bytes]

    @classmethod
    @contextmanager
    def go_on(cls, path: str, past: Past) -> Generator[Journal]:
        """With what is *past*, and nothing else: torn lines and lost blocks are cut away."""
        kept = (_line(asdict(one)) for one in past.kept)
        _replace(path, chain([past.begun.written()], kept))
        with open(path, "ab", buffering=0) as file:
            yield cls(cast("IO[bytes]", file))

    def add(self, done: Done, end: int) -> None:
        """Note that the findings of *done* are in the output, which ends at byte *end*."""
        digest = hashlib.sha256(done.lines + b"\n").hexdigest()[:32]
        count = len(done.block.lines)
        kept = Kept(done.block.digest, digest, end, count, done.trouble)
        self.file.write(_line(asdict(kept)))


def finish(path: str, begun: Begun, finished: Finished) -> None:
    """Put one line in the place of all blocks."""
    _replace(path, [begun.written(), _line(asdict(finished))])


def beside(output: str) -> str:
    """Where the journal of an *output* stands."""
    return f"{output}.journal"


def past(output: str, finished_at: str) -> Past | None:
    """What was begun in *output*, to stand *finished_at* in the end; None where nothing was.

    Blocks whose findings are not in the output as they were written are left out, and all
    after them. Raises CannotResume for an output without a journal, or with a broken one.
    """
    path = beside(output)
    if not os.path.exists(path):
        there = next((p for p in (output, finished_at) if _holds_anything(p)), None)
        if there is not None:
            raise _cannot(f"{there} has no journal beside it; expected {path}")
        return None
    with open(path, "rb") as file:
        lines = [line for line in file if line.endswith(b"\n")]
    found = _read(path, lines)
    wanted = output if found.finished is None else finished_at
    if not os.path.exists(wanted):
        raise _cannot(f"{path} belongs to an output that is gone; expected {wanted}")
    if found.finished is not None:
        return found
    found.kept = list(_present(output, found.kept))
    return found


def expect_same(before: Begun, now: Begun) -> None:
    """Raises CannotResume, which says what has changed."""
    told = [*_inputs_changed(before, now), *_detectors_changed(before, now)]
    if before.size != now.size:
        told.append(f"--batch-size was {before.size}, is {now.size}")
    if before.replay != now.replay:
        told.append("--from-replay was " + ("given, is not" if before.replay else "not given, is"))
    if told:
        raise _cannot("what was begun cannot be continued: " + "; ".join(told))


def expect_block(kept: Kept, block: Block) -> None:
    """Raises CannotResume when *block* is not the one that was examined."""
    if kept.digest != block.digest:
        rows = f"{block.first} to {block.last.row}"
        raise _cannot(f"what was begun cannot be continued: {rows} changed since it was examined")


def _holds_anything(path: str) -> bool:
    return os.path.exists(path) and os.path.getsize(path) > 0


def _inputs_changed(before: Begun, now: Begun) -> Iterator[str]:
    old, new = ({file.path: file for file in begun.inputs} for begun in (before, now))
    yield from (f"the input {path} is gone" for path in old.keys() - new.keys())
    yield from (f"the input {path} is new" for path in new.keys() - old.keys())
    for path in old.keys() & new.keys():
        one, other = old[path], new[path]
        if one.size != other.size:
            yield f"the input {path} had {one.size} bytes, has {other.size}"
        elif one.digest != other.digest:
            yield f"the input {path} changed"
    if list(old) != list(new) and old.keys() == new.keys():
        yield "the inputs are given in another order"


def _detectors_changed(before: Begun, now: Begun) -> Iterator[str]:
    old, new = ({each.name: each for each in begun.detectors} for begun in (before, now))
    yield from (f"the detector {name!r} is not asked for any more" for name in old.keys() - new)
    yield from (f"the detector {name!r} is new" for name in new.keys() - old)
    for name in old.keys() & new.keys():
        one, other = old[name], new[name]
        if one.version != other.version:
            yield f"the detector {name!r} had version {one.version}, has {other.version}"
        elif one.options != other.options:
            yield f"the detector {name!r} was {one.options}, is {other.options}"


def _read(path: str, lines: Sequence[bytes]) -> Past:
    try:
        first, *rest = map(json.loads, lines)
        if first["journal"] != FORMAT:
            raise _cannot(f"{path} has format {first['journal']}; expected {FORMAT}")
        if rest and "answers" in rest[-1] and "failures" in rest[-1]:
            return Past(_begun(first), [], Finished(**rest[-1]))
        return Past(_begun(first), [Kept(**row) for row in rest])
    except (ValueError, KeyError, TypeError) as error:
        raise _cannot(f"{path} is no journal that can be read ({error})") from error


def _begun(row: dict[str, Any]) -> Begun:
    return Begun(
        tuple(Input(**file) for file in row["inputs"]),
        tuple(DetectorRecord(**each) for each in row["detectors"]),
        row["size"],
        row["replay"],
        row["run"],
        datetime.fromisoformat(row["started"]),
    )


def _present(output: str, kept: Sequence[Kept]) -> Iterator[Kept]:
    with open(output, "rb") as file:
        start = 0
        for one in kept:
            lines = file.read(one.end - start)
            if hashlib.sha256(lines).hexdigest()[:32] != one.found:
                return
            start = one.end
            yield one


def _replace(path: str, lines: Iterable[bytes]) -> None:
    aside = f"{path}.new"
    with open(aside, "wb") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, path)


def _line(values: object) -> bytes:
    return json.dumps(values, default=dict).encode("ascii") + b"\n"


def _cannot(told: str) -> CannotResume:
    error = CannotResume(told)
    error.add_note("to begin afresh, leave --resume away; what was written goes then")
    return error
