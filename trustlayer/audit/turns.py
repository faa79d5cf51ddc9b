"""Threads and tasks that write at once share one transaction: group commit."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Semaphore
from typing import TypeVar

from trustlayer.audit.records import Record

T = TypeVar("T")

MOST = 64  # tickets in one transaction: enough to share the disk's wait, few enough to fit memory


@dataclass(slots=True)
class _Ticket:
    records: Sequence[Record]
    taken: bool = False  # by a writer, who will set *over*
    done: bool = False
    error: Exception | None = None
    over: Event = field(default_factory=Event)


@dataclass(frozen=True, slots=True)
class Turns:
    """Whoever has a lane to himself writes, in one go, what all who wait have brought.

    With one of *lanes* things are written in the order in which they were brought; several
    keep a server busy while another transaction is being made.
    """

    write: Callable[[Sequence[Record]], None]  # in one transaction, durable when it returns
    lanes: int = 1
    _waiting: deque[_Ticket] = field(default_factory=deque[_Ticket])
    _free: Semaphore = field(init=False)
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, "trustlayer-audit")
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "_free", Semaphore(self.lanes))

    def take(self, records: Sequence[Record]) -> None:
        """Return once *records* are written, or raise what kept them from being so."""
        self._finish(self._queue(records))

    async def atake(self, records: Sequence[Record]) -> None:
        """Do what `take` does, awaited: one thread writes for all tasks."""
        loop, ticket = asyncio.get_running_loop(), self._queue(records)
        await loop.run_in_executor(self._thread, self._finish, ticket)

    def alone(self, act: Callable[[], T]) -> T:
        """What *act* returns, nobody writing meanwhile; for turns of one lane."""
        with self._free:
            return act()

    def close(self) -> None:
        """End the thread that writes for tasks, once it has written what they brought."""
        self._thread.shutdown()

    def _queue(self, records: Sequence[Record]) -> _Ticket:
        ticket = _Ticket(records)
        self._waiting.append(ticket)
        return ticket

    def _finish(self, ticket: _Ticket) -> None:
        while not ticket.done:
            with self._free:
                while not ticket.taken:
                    self._serve_next(ticket)
            ticket.over.wait()
            ticket.over.clear()  # if it was put back, it waits again
        if ticket.error is not None:
            raise ticket.error

    def _serve_next(self, own: _Ticket) -> None:
        tickets = self._next()
        try:
            self._serve(tickets)
        except BaseException:  # of this thread alone, like Ctrl-C: the others are still waiting
            left = [t for t in tickets if not t.done and t is not own]
            for ticket in left:
                ticket.taken = False
            self._waiting.extendleft(reversed(left))
            for ticket in left:
                ticket.over.set()
            raise

    def _next(self) -> list[_Ticket]:
        tickets = list[_Ticket]()
        with suppress(IndexError):  # another lane was faster
            while len(tickets) < MOST:
                tickets.append(self._waiting.popleft())
                tickets[-1].taken = True
        return tickets

    def _serve(self, tickets: Sequence[_Ticket]) -> None:
        if not tickets:
            return
        try:
            self.write([record for ticket in tickets for record in ticket.records])
        except Exception as error:
            if len(tickets) > 1:  # one may be at fault for all
                for ticket in tickets:
                    self._serve([ticket])
                return
            tickets[0].error = error
        for ticket in tickets:
            ticket.done = True
            ticket.over.set()
