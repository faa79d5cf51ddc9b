"""The process behind `Pool`: reads blocks from stdin, writes findings to stdout.

Run by `Pool` alone: ``python -m trustlayer.bulk.worker``.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import IO, cast

from trustlayer.bulk.frames import receive, send
from trustlayer.bulk.orders import examiner_of, greeting_of
from trustlayer.bulk.work import single_threaded


def main() -> None:
    """Until stdin ends: the first message is the order, the others are blocks."""
    given, told = cast("IO[bytes]", sys.stdin.buffer), _private_stdout()
    order = receive(given)
    if order is None:
        return
    single_threaded()
    examiner = examiner_of(order)
    with suppress(OSError):  # whoever wanted to know has gone
        send(told, greeting_of(examiner))
        while (payload := receive(given)) is not None:
            send(told, examiner.examine(payload))


def _private_stdout() -> IO[bytes]:
    # A detector that prints must not end up between the messages.
    mine = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(mine, "wb")


if __name__ == "__main__":
    main()
