"""How often somebody may come: a bucket of tokens each, refilled at a steady rate."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

_MOST = 10_000  # clients remembered; the one not seen for longest goes first


@dataclass(slots=True)
class Rates:
    """*rate* requests a second in the long run, *burst* at once, for each client."""

    rate: float
    burst: int
    _left: OrderedDict[str, tuple[float, float]] = field(
        default_factory=OrderedDict[str, tuple[float, float]], repr=False
    )
    _lock: Lock = field(default_factory=Lock, repr=False)

    def take(self, client: str) -> float:
        """Take a token of *client*'s: 0.0 if there was one, else the seconds until there is."""
        with self._lock:
            left = self._filled(client)
            self._keep(client, left - 1.0 if left >= 1.0 else left)
            return 0.0 if left >= 1.0 else (1.0 - left) / self.rate

    def wait(self, client: str) -> float:
        """The seconds until *client* has a token; 0.0 if there is one. Takes none."""
        with self._lock:
            return max(0.0, (1.0 - self._filled(client)) / self.rate)

    def _filled(self, client: str) -> float:
        left, then = self._left.get(client, (float(self.burst), -math.inf))
        return min(float(self.burst), left + (time.monotonic() - then) * self.rate)

    def _keep(self, client: str, left: float) -> None:
        self._left[client] = (left, time.monotonic())
        self._left.move_to_end(client)
        while len(self._left) > _MOST:
            self._left.popitem(last=False)
