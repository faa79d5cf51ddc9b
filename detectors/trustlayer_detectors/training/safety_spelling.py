"""Spellings made to deceive: letters apart, letters lost, digits for letters."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

_LEET = str.maketrans({"a": "4", "e": "3", "i": "1", "o": "0", "s": "5", "t": "7"})
_LONG = 4  # letters from which on a word is worth hiding


def misspelt(text: str, drawn: random.Random) -> str:
    """Return *text* in one of six spellings; offensive or not, it means the same."""
    return drawn.choice(_WAYS)(text, drawn)


def _leet(text: str, drawn: random.Random) -> str:
    some = "".join(letter for letter in "aeiost" if drawn.random() < 0.7) or "ei"
    table = {ord(letter): _LEET[ord(letter)] for letter in some}
    return _on_words(text, drawn, lambda word: word.translate(table))


def _apart(text: str, drawn: random.Random) -> str:
    between = drawn.choice((" ", " ", ".", "-", "*"))
    return _on_words(text, drawn, between.join)


def _together(text: str, drawn: random.Random) -> str:
    words = text.split(" ")
    start = drawn.randrange(max(1, len(words) - 3))
    stop = start + drawn.choice((2, 3, 4, len(words)))
    return " ".join([*words[:start], "".join(words[start:stop]), *words[stop:]])


def _swapped(text: str, drawn: random.Random) -> str:
    def swap(word: str) -> str:
        place = drawn.randrange(1, len(word) - 2)
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]

    return _on_words(text, drawn, swap)


def _shortened(text: str, drawn: random.Random) -> str:
    def shorten(word: str) -> str:
        place = drawn.randrange(1, len(word) - 1)
        return word[:place] + drawn.choice(("", "", "*", "#")) + word[place + 1 :]

    return _on_words(text, drawn, shorten)


def _loud(text: str, drawn: random.Random) -> str:
    return text.upper() if drawn.random() < 0.5 else text.lower()


def _on_words(text: str, drawn: random.Random, change: Callable[[str], str]) -> str:
    """Apply *change* to one to three of the longer words: it is these that get hidden."""
    words = text.split(" ")
    places = [i for i, word in enumerate(words) if len(word) >= _LONG and word.isalpha()]
    picked = drawn.sample(places, min(len(places), drawn.randint(1, 3)))
    return " ".join(change(word) if i in picked else word for i, word in enumerate(words))


_WAYS: Sequence[Callable[[str, random.Random], str]] = (
    _leet,
    _apart,
    _together,
    _swapped,
    _shortened,
    _loud,
)
