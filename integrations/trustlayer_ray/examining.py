"""The actor: detectors made once, blocks examined one after another."""

from __future__ import annotations

import os
from collections.abc import Mapping

from trustlayer.bulk.orders import examiner_of, greeting_of
from trustlayer.bulk.sparing import spare


class Examining:
    """Lives in a process of Ray's."""

    def __init__(self, order: bytes, environment: Mapping[str, str]) -> None:
        os.environ.update(environment)
        spare()
        self._examiner = examiner_of(order)

    def greet(self) -> bytes:
        """Its detectors, or why there are none."""
        return greeting_of(self._examiner)

    def examine(self, payload: bytes) -> bytes:
        return self._examiner.examine(payload)

    def memory(self) -> int:
        """Its resident memory, in bytes."""
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
