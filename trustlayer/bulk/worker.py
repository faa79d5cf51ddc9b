"""The process behind `Pool`: reads blocks from stdin, writes findings to stdout.

Run by `Pool` alone: ``python -m trustlayer.bulk.worker``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from queue import Queue
from threading import Thread
from typing import IO, cast

from trustlayer.bulk.frames import receive, send
from trustlayer.bulk.orders import examiner_of, greeting_of
from trustlayer.bulk.sparing import spare


def main() -> None:
    """Until stdin ends: the first message is the order, the others are blocks."""
    given, told = cast("IO[bytes]", sys.stdin.buffer), _private_stdout()
    order = receive(given)
    if order is None:
        return
    spare()
    examiner = examiner_of(order)
    with suppress(OSError):  # whoever wanted to know has gone
        send(told, greeting_of(examiner))
        for payload in _ahead(given):
            send(told, examiner.examine(payload))


def _ahead(given: IO[bytes]) -> Iterator[bytes]:
    """The messages, read while others are worked on: nobody who sends one has to wait."""
    waiting: Queue[bytes | None] = Queue()

    def read() -> None:
        message: bytes | None = b""
        while message is not None:
            message = receive(given)
            waiting.put(message)

    Thread(target=read, daemon=True).start()
    while (message := waiting.get()) is not None:
        yield message


def _private_stdout() -> IO[bytes]:
    # A detector that prints must not end up between the messages.
    mine = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(mine, "wb")


if __name__ == "__main__":
    main()
