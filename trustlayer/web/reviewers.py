"""Who may enter: named people, each with a token of which only the hash is kept.

A token has 256 random bits, so that one round of SHA-256 hides it as well as any slow hash.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from trustlayer.errors import BadLine

_NAME = re.compile(r"[\w.@+-]{1,64}")
_SHORTEST = 16  # characters of a token that somebody chose
_EXPECTED = "NAME sha256:64 hexadecimal digits"


@dataclass(frozen=True, slots=True)
class Reviewer:
    """One person; *digest* is the SHA-256 of the token."""

    name: str
    digest: bytes = field(repr=False)

    @classmethod
    def with_token(cls, name: str, token: str) -> Reviewer:
        """The reviewer of that *name* and *token*; raises ValueError."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"a reviewer's name has letters, digits and ._@+-, got {name!r}")
        if len(token) < _SHORTEST:
            raise ValueError(f"a token needs {_SHORTEST} characters or more, got {len(token)}")
        return cls(name, _digest(token))


class Reviewers:
    """Those who may enter, from a file where there is one: it is read again when it changes."""

    def __init__(self, reviewers: Iterable[Reviewer] = (), *, file: Path | None = None) -> None:
        self._known = tuple(reviewers)
        self._file = file
        self._seen: tuple[int, int] | None = None

    def known(self) -> tuple[Reviewer, ...]:
        """All of them, as they stand now; raises BadLine and OSError."""
        if self._file is not None:
            found = self._file.stat()
            mark = (found.st_mtime_ns, found.st_size)
            if mark != self._seen:
                self._known = tuple(read(self._file))
                self._seen = mark
        return self._known

    def holder(self, token: str) -> Reviewer | None:
        """Whose *token* that is; takes the same time whoever it is, and if it is nobody's."""
        digest, found = _digest(token), None
        for reviewer in self.known():
            if hmac.compare_digest(reviewer.digest, digest):
                found = reviewer
        return found

    def __contains__(self, reviewer: Reviewer) -> bool:
        """Whether *reviewer* is still among them, with the same token."""
        return reviewer in self.known()


def new_token() -> str:
    return f"tl_{secrets.token_urlsafe(32)}"


def read(file: Path) -> list[Reviewer]:
    """The reviewers that *file* names, one a line; raises BadLine and OSError."""
    found: dict[str, Reviewer] = {}
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        text = line.partition("#")[0].strip()
        if text:
            reviewer = _reviewer(number, text)
            if reviewer.name in found:
                raise BadLine(number, f"{reviewer.name} a second time", "each name once")
            found[reviewer.name] = reviewer
    return list(found.values())


def write(file: Path, reviewers: Iterable[Reviewer]) -> None:
    """Write *file* anew, whole or not at all, for its owner's eyes alone."""
    beside = file.with_name(f"{file.name}.new")
    lines = [f"{r.name} sha256:{r.digest.hex()}\n" for r in reviewers]
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.writelines(["# The reviewers of trustlayer's desk: NAME and the SHA-256 of a token\n"])
        out.writelines(lines)
        out.flush()
        os.fsync(out.fileno())
    beside.replace(file)


def readable_by_others(file: Path) -> bool:
    return bool(file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))


def _reviewer(number: int, text: str) -> Reviewer:
    found = re.fullmatch(rf"({_NAME.pattern})\s+sha256:([0-9a-fA-F]{{64}})", text)
    if found is None:  # what stands there may be a token: it is not repeated
        raise BadLine(number, "something else", _EXPECTED)
    return Reviewer(found[1], bytes.fromhex(found[2]))


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
