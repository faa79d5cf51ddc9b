"""Who is signed in: random ids in cookies, of which only the hashes are kept, in memory."""

from __future__ import annotations

import hmac
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import sha256
from threading import Lock

from trustlayer.web.reviewers import Reviewer

_MOST = 10_000  # sessions; the oldest goes first


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in *reviewer*; *csrf* is what every form of theirs has to carry."""

    reviewer: Reviewer
    csrf: str = field(repr=False)
    until: float  # of `time.monotonic`


@dataclass(slots=True)
class Sessions:
    """Those open now; *lifetime* is in seconds."""

    lifetime: float
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    _open: OrderedDict[bytes, Session] = field(
        default_factory=OrderedDict[bytes, Session], repr=False
    )
    _lock: Lock = field(default_factory=Lock, repr=False)

    def open(self, reviewer: Reviewer) -> str:
        """Sign *reviewer* in: the id for the cookie."""
        id = secrets.token_urlsafe(32)
        session = Session(reviewer, self.csrf(id), time.monotonic() + self.lifetime)
        with self._lock:
            self._open[_hash(id)] = session
            while len(self._open) > _MOST:
                self._open.popitem(last=False)
        return id

    def of(self, id: str) -> Session | None:
        """The session of that *id*, unless it has ended."""
        with self._lock:
            session = self._open.get(_hash(id))
            if session is not None and session.until <= time.monotonic():
                del self._open[_hash(id)]
                return None
            return session

    def close(self, id: str) -> None:
        with self._lock:
            self._open.pop(_hash(id), None)

    def csrf(self, id: str) -> str:
        """What a form shown under that cookie has to carry; nobody else can tell."""
        return hmac.new(self._key, id.encode(), sha256).hexdigest()


def _hash(id: str) -> bytes:
    return sha256(id.encode("utf-8", "surrogatepass")).digest()
