"""Threads that write at once share transactions, and no one's trouble becomes another's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from trustlayer import Outcome
from trustlayer.audit.records import Record, record
from trustlayer.audit.turns import MOST, Turns

Run = Callable[..., Outcome]


@pytest.fixture
def records(run: Run) -> list[Record]:
    return [record(run()) for _ in range(3 * MOST)]


def test_those_who_wait_are_written_together(records: list[Record]) -> None:
    written: list[int] = []
    started, go = Event(), Event()

    def write(some: Sequence[Record]) -> None:
        started.set()
        assert go.wait(60)
        written.append(len(some))

    turns = Turns(write)
    with ThreadPoolExecutor(MOST) as pool:
        first = pool.submit(turns.take, records[:1])
        assert started.wait(60)
        others = [pool.submit(turns.take, [r]) for r in records[1:MOST]]
        while len(turns._waiting) < len(others):
            pass
        go.set()
        for future in [first, *others]:
            future.result()
    assert written == [1, MOST - 1]


def test_an_interrupted_writer_takes_nobody_with_it(records: list[Record]) -> None:
    written: list[Record] = []
    first, both = Event(), Event()

    def write(some: Sequence[Record]) -> None:
        if not first.is_set():
            first.set()
            assert both.wait(60)
            written.extend(some)
        elif not written[1:]:
            written.extend(some)
            raise KeyboardInterrupt
        else:
            written.extend(some)

    turns = Turns(write)
    with ThreadPoolExecutor(3) as pool:
        one = pool.submit(turns.take, records[:1])
        assert first.wait(60)
        others = [pool.submit(turns.take, [r]) for r in records[1:3]]
        while len(turns._waiting) < 2:
            pass
        both.set()
        errors = [future.exception() for future in (one, *others)]
    # One of the two wrote for both when it was interrupted; the other then wrote its own.
    assert sorted(type(error).__name__ for error in errors) == [
        "KeyboardInterrupt",
        "NoneType",
        "NoneType",
    ]
    assert len(written) == 4
    assert written[3] is records[1 if errors[1] is None else 2]
    assert not turns._waiting


def test_an_error_is_that_of_its_own_records(records: list[Record]) -> None:
    bad = set(map(id, records[::7]))

    def write(some: Sequence[Record]) -> None:
        for one in some:
            if id(one) in bad:
                raise ValueError(one.id)

    turns = Turns(write)

    def take(one: Record) -> str | None:
        try:
            turns.take([one])
        except ValueError as error:
            return str(error)
        return None

    with ThreadPoolExecutor(16) as pool:
        said = list(pool.map(take, records))
    assert said == [one.id if id(one) in bad else None for one in records]


def test_several_lanes_write_at_once_and_everything_once(records: list[Record]) -> None:
    written: list[Record] = []
    both = Event()

    def write(some: Sequence[Record]) -> None:
        if not written:
            written.extend(some)
            assert both.wait(60)  # the first waits for somebody who writes beside it
        else:
            both.set()
            written.extend(some)

    turns = Turns(write, lanes=2)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda record: turns.take([record]), records))
    assert sorted(map(id, written)) == sorted(map(id, records))


async def test_tasks_share_transactions_with_each_other(records: list[Record]) -> None:
    groups: list[int] = []
    turns = Turns(lambda some: groups.append(len(some)))
    await asyncio.gather(*(turns.atake([record]) for record in records))
    turns.close()
    assert sum(groups) == len(records)
    assert len(groups) < len(records)
