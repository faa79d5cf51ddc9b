"""What ``trustlayer examine`` puts together: inputs, engine, journal, failures, store."""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import IO

import typer

from trustlayer.bulk.blocks import Block, Entry, Failure, blocks
from trustlayer.bulk.engines import LOCAL, Order, engine
from trustlayer.bulk.files import Input, fingerprint
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
from trustlayer.bulk.outcomes import Outcomes
from trustlayer.bulk.parquet import write_parquet
from trustlayer.bulk.queue import Done
from trustlayer.bulk.reading import Parse, named_by_file, read, read_lines
from trustlayer.bulk.recipes import Recipe, recipes
from trustlayer.bulk.run import Engine, Here, Keep
from trustlayer.bulk.work import Examiner
from trustlayer.cli._options import configured
from trustlayer.cli._reading import Reading, opened
from trustlayer.cli._store import for_recording
from trustlayer.config import verifier as verifier_of
from trustlayer.errors import BrokenDetector, MissingExtra
from trustlayer.policy import Policy
from trustlayer.registry import available

STDIN = "-"
PARQUET = ".parquet"


@dataclass(slots=True)
class Inputs:
    """The files to be read, and how far that has come."""

    paths: Sequence[str]
    parse: Parse
    size: int = 0
    _before: int = 0
    _file: IO[bytes] | None = None

    def __post_init__(self) -> None:
        for path in self.paths:
            with suppress(OSError):
                self.size += 0 if path == STDIN else os.path.getsize(path)

    @property
    def streamed(self) -> bool:
        return list(self.paths) == [STDIN]

    def entries(self) -> Iterator[Entry | Failure]:
        """Every row of every file; raises OSError where the only file cannot be opened."""
        if self.streamed:
            with opened(STDIN) as source:
                yield from read_lines(source.name, source.file, self.parse)
            return
        found = read(self.paths, self.parse, self._opened)
        yield from found if len(self.paths) == 1 else map(named_by_file, found)

    def expect_any(self) -> None:
        """Raises OSError where nothing at all could be read."""
        for path in self.paths:
            try:
                if path != STDIN:
                    open(path, "rb").close()
                return
            except OSError:
                if path == self.paths[-1]:
                    raise

    def fingerprints(self) -> tuple[Input, ...]:
        found = ((path, fingerprint(path)) for path in self.paths)
        return tuple(one or Input(path, 0, "") for path, one in found)

    def reached(self) -> int | None:
        """The bytes that were read."""
        return None if self._file is None else self._before + self._at(self._file)

    def close(self) -> None:
        """Close the file that is being read: what reads it may outlive the run in a traceback."""
        if self._file is not None:
            self._file.close()

    def _opened(self, file: IO[bytes]) -> None:
        if self._file is not None:
            self._before += self._size_of(self._file)
        self._file = file

    @staticmethod
    def _at(file: IO[bytes]) -> int:
        return 0 if file.closed else file.tell()

    @staticmethod
    def _size_of(file: IO[bytes]) -> int:
        try:
            return os.path.getsize(file.name)
        except OSError:
            return 0


def recipes_in_force(config: str | None, names: Sequence[str] | None) -> tuple[Recipe, ...]:
    """Those of these *names*, or of the configuration, or all that are installed."""
    found = configured(config)
    if found is None:
        return recipes(names or available())
    verifier_of(found, asking=False)  # its errors name file, line and key
    options = {name: table.options for name, table in found.document.detectors.items()}
    wanted = dict.fromkeys(names or options)
    return tuple(Recipe(name, options.get(name, {})) for name in wanted)


def policy_in_force(config: str | None) -> Policy:
    found = configured(config)
    return Policy() if found is None else verifier_of(found, asking=False).policy


def expect_device(device: str, engine: str) -> None:
    """Raises MissingExtra where this machine is to compute on a GPU and cannot."""
    if engine != LOCAL or device == "cpu":
        return
    found: list[str] = import_module("onnxruntime").get_available_providers()
    if f"{device.upper()}ExecutionProvider" not in found:
        error = MissingExtra(f"--device {device}: ONNX Runtime has {', '.join(found)} only")
        error.add_note("pip uninstall onnxruntime, then: pip install onnxruntime-gpu")
        raise error


@contextmanager
def advice_on_broken(names: Sequence[str] | None) -> Generator[None]:
    """Say what else to do where a detector that nobody named does not load."""
    try:
        yield
    except BrokenDetector as error:
        if not names:
            error.add_note("see what is installed: trustlayer detectors")
            error.add_note("to go on without it, name the others: --detector NAME --detector NAME")
        raise


def engine_for(
    name: str, order: Order, given: Iterator[Block | Failure], streamed: bool
) -> tuple[Engine, Iterator[Block | Failure]]:
    """An engine, and *given* again; a single block is not worth processes of its own.

    What is *streamed* is examined as it comes unless workers are asked for: to read ahead
    could wait for ever for a writer who waits for us.
    """
    here = Here(Examiner(order.recipes, order.timeout))
    if name != LOCAL:
        return engine(name, order), given
    if order.workers is None and streamed:
        return here, given
    first: list[Block | Failure] = []
    for item in given:
        first.append(item)
        if sum(isinstance(one, Block) for one in first) == 2:
            return engine(name, order), _again(first, given)
    return here, iter(first)


def _again(
    first: Sequence[Block | Failure], rest: Iterator[Block | Failure]
) -> Iterator[Block | Failure]:
    yield from first
    yield from rest


@dataclass(slots=True)
class Target:
    """The output that was asked for, and the files that stand beside it."""

    path: str
    resume: bool

    @property
    def work(self) -> str:
        """Where lines are written: a table is made of them at the end."""
        return f"{self.path}.jsonl" if self.path.endswith(PARQUET) else self.path

    @property
    def to_file(self) -> bool:
        return self.path != STDIN and not _is_special(self.path)

    def expect_other_than(self, paths: Sequence[str]) -> None:
        for path in paths:
            if path != STDIN and os.path.exists(self.path) and os.path.exists(path) \
                    and os.path.samefile(self.path, path):  # fmt: skip
                raise typer.BadParameter("the output must be another file than the input")
        if self.path.endswith(".gz"):
            hint = self.path.removesuffix(".gz")
            raise typer.BadParameter(f"plain lines are written: --output {hint}, and gzip it then")
        if self.resume and not self.to_file:
            raise typer.BadParameter("--resume needs a file to continue: --output OUT.jsonl")

    def past(self, begun: Begun) -> Past | None:
        """What can be continued; raises CannotResume where something has changed."""
        found = past(self.work, finished_at=self.path) if self.resume else None
        if found is not None:
            expect_same(found.begun, begun)
        return found

    def journal(self, past: Past) -> AbstractContextManager[Journal | None]:
        """A journal that begins with what is *past*, which may be nothing."""
        return Journal.go_on(beside(self.work), past) if self.to_file else nullcontext()

    def complete(self, begun: Begun, finished: Finished) -> None:
        """Make a table of the lines, where one was asked for, and close the journal."""
        if not self.to_file:
            return
        if self.work != self.path:
            with open(self.work, "rb") as lines:
                write_parquet((line.rstrip(b"\n") for line in lines), f"{self.work}.new")
            os.replace(f"{self.work}.new", self.path)
            os.remove(self.work)
        finish(beside(self.work), begun, finished)


@dataclass(slots=True)
class Failures:
    """A file of failures, made when the first comes; those of an earlier run go."""

    path: str | None
    count: int = 0

    def add(self, failure: Failure) -> None:
        self.count += 1
        if self.path is not None:
            with open(self.path, "a", encoding="ascii") as file:
                file.write(json.dumps(failure.written()) + "\n")

    def clear(self) -> None:
        if self.path is not None:
            with suppress(FileNotFoundError):
                os.remove(self.path)


@contextmanager
def keeping(url: str | None, policy: Policy | None, begun: Begun) -> Generator[Keep | None]:
    """Loads what was found into the store at *url*, if there is one."""
    if url is None or policy is None:
        yield None
        return
    outcomes = Outcomes(policy, begun)
    with for_recording(url) as store:

        def keep(dones: Sequence[Done]) -> None:
            store.load(outcome for done in dones for outcome in outcomes.of(done))

        yield keep


def cut(inputs: Inputs, reading: Reading, size: int) -> Iterator[Block | Failure]:
    return blocks(reading.admitted(inputs.entries()), size)


def _is_special(path: str) -> bool:
    return os.path.exists(path) and not os.path.isfile(path)
