"""The wording of a context, made comparable: to tell whether it says something verbatim."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+")
_JOINED = re.compile(r"[\u0e00-\u0eff\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7ff]")  # no spaces between
_CUT = re.compile(r"\[[^\]\[]{0,80}\]|\([.…]{1,3}\)|…|\.[ ]?\.[ ]?\.")
_LETTER = re.compile(r"\[([^\W\d_]{1,2})\](?=[^\W\d_])")
_RUN = 3  # words; a share of these tells how far a wording was followed
_LARGE = 200_000  # characters


def plain(text: str) -> list[str]:
    """Return the words of *text* without case, punctuation, white space and quote style."""
    return _WORD.findall(text.casefold().replace("\u00ad", ""))


def pieces(text: str) -> list[list[str]]:
    """Cut a quotation where it leaves something out or inserts it, and drop what is empty."""
    parts = _CUT.split(_LETTER.sub(r"\1", text))
    return [words for part in parts if (words := plain(part))]


@dataclass(frozen=True)
class Wording:
    """The words of all texts of a context, in order, with a bar between the texts."""

    text: str
    _vocabulary: set[str] = field(default_factory=set[str])
    _runs: set[int] = field(default_factory=set[int])

    def holds(self, parts: list[list[str]]) -> bool:
        """Say whether the parts stand in this wording verbatim, one after the other."""
        position = 0
        for words in parts:
            position = self._find(words, position)
            if position < 0:
                return False
        return True

    def _find(self, words: list[str], start: int) -> int:
        wanted = " ".join(words)
        if not _JOINED.search(wanted):
            wanted = f" {wanted} "
        found = self.text.find(wanted, start)
        return -1 if found < 0 else found + len(wanted) - 1

    def knows(self, words: list[str]) -> bool:
        """Say whether every one of *words* occurs, wherever it be."""
        if not self._vocabulary:
            self._vocabulary.update(self.text.split())
        return self._vocabulary.issuperset(words)

    def followed(self, parts: list[list[str]]) -> float:
        """Return the share of runs of three words that occur as they are."""
        if not self._runs:
            self._runs.update(_runs(self.text.split()))
            self._runs.add(0)
        wanted = [run for words in parts for run in _runs(words)]
        return sum(run in self._runs for run in wanted) / len(wanted) if wanted else 0.0


def _runs(words: list[str]) -> list[int]:
    return [hash(tuple(words[at : at + _RUN])) for at in range(len(words) - _RUN + 1)]


def wording(texts: tuple[str, ...]) -> Wording:
    """Read the wording of *texts*; the latest results are remembered."""
    return (_remembered if sum(map(len, texts)) < _LARGE else _large)(texts)


def _build(texts: tuple[str, ...]) -> Wording:
    return Wording(" " + " | ".join(" ".join(plain(text)) for text in texts) + " ")


_remembered = lru_cache(maxsize=64)(_build)
_large = lru_cache(maxsize=2)(_build)
