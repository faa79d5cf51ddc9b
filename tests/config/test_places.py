"""Every key of a TOML text is found on its line, whatever the text looks like."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustlayer.config import BadConfig, read
from trustlayer.config.places import Path as Place
from trustlayer.config.places import places

ODD = '''\
# a comment with [brackets] and "quotes"
a = 1
b.c = [1,   # one
  "two]", 'three"',
  [4, {five = 5}],
]
"odd key"."and # another" = """
"""
text = """a = 1
[no.table]
\\""" still text """""
raw = \'\'\'
b = 2\'\'\'

[d.'e f']
x = { y = 1, z.w = "}", v = {} }
time = 1979-05-27T07:32:00Z
[[m]]
n = 1
[[m]]
n = 2
[m.p]
q = 1
[[m.r]]
s = 1
'''


def test_every_key_has_its_line() -> None:
    found = places(ODD)
    lines = {"a": 2, "text": 9, "raw": 12, "b": 3}
    assert {key: found[(key,)] for key in lines} == lines
    assert [found["b", "c", n] for n in range(3)] == [3, 4, 4]
    assert found["b", "c", 3, 1, "five"] == 5
    assert found["odd key", "and # another"] == 7
    assert (found["d", "e f"], found["d", "e f", "x", "z", "w"]) == (15, 16)
    assert (found["m", 0, "n"], found["m", 1, "n"], found["m", 1, "p", "q"]) == (19, 21, 23)
    assert found["m", 1, "r", 0, "s"] == 25
    assert set(found) == set(_paths(tomllib.loads(ODD), ()))


def test_lines_that_end_the_way_of_windows() -> None:
    text = "a = 1\r\n[b]\r\nc = '''x\r\ny'''\r\nd = 1\r\n"
    assert places(text)["b", "d"] == 5


KEYS = st.one_of(st.text("abcXYZ019_-", min_size=1, max_size=5), st.text(max_size=4))
STRINGS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n"), max_size=8)
LEAVES = st.one_of(st.integers(-9, 9), st.booleans(), STRINGS)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)
TABLES = st.dictionaries(KEYS, VALUES, max_size=4)


@given(st.lists(st.tuples(st.lists(KEYS, min_size=1, max_size=3), TABLES), max_size=4), st.data())
def test_the_places_are_those_that_tomllib_reads(
    tables: list[tuple[list[str], dict[str, Any]]], data: st.DataObject
) -> None:
    lines: list[str] = []
    for header, table in tables:
        kind = data.draw(st.sampled_from(["[%s]", "[[%s]]", "[ %s ] # c"]))
        lines.append(kind % ".".join(map(_key, header)))
        for key, value in table.items():
            lines += data.draw(st.sampled_from([[], ["# a = 1"], ["", "\t"]]))
            lines.append(f"{_key(key)} = {_toml(value)}")
    text = "\n".join(lines)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # tables may clash
    found = places(text)
    assert set(found) == set(_paths(document, ()))
    _expect_on_their_lines(text, found)


def _expect_on_their_lines(text: str, found: Mapping[Place, int]) -> None:
    for path, line in found.items():
        name = path[-1]
        if isinstance(name, str):
            assert _key(name) in text.split("\n")[line - 1]


def _paths(value: Any, path: Place) -> Iterator[Place]:
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in cast("dict[str, Any]", value).items():
            yield from _paths(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(cast("list[object]", value)):
            yield from _paths(inner, (*path, number))


def _key(name: str) -> str:
    bare = name and set(name) <= set("abcXYZ019_-")
    return name if bare else _toml(name)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        escaped = "".join(
            c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in value
        )
        return f'"{escaped}"'
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, cast('list[object]', value)))}]"
    pairs = cast("dict[str, Any]", value).items()
    return f"{{{', '.join(f'{_key(k)} = {_toml(v)}' for k, v in pairs)}}}"


@given(st.binary(max_size=60) | STRINGS.map(str.encode))
@pytest.mark.parametrize("before", [b"", b"[detectors.figures]\n", b"[[models]]\nmodel = "])
def test_odd_files_are_refused_by_line(before: bytes, content: bytes) -> None:
    Path("odd.toml").write_bytes(before + content)
    told = _told("odd.toml")
    last = content.count(b"\n") + 3
    assert told == "" or all(
        1 <= int(line.removeprefix("odd.toml:").partition(":")[0]) <= last
        for line in told.splitlines()
        if line.startswith("odd.toml:")
    )


def _told(file: str) -> str:
    try:
        read(file)
    except BadConfig as error:
        return str(error)
    return ""
