"""A configuration file read and held against its schema; every error names file, line and key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path as File
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from trustlayer.config.places import Path, places
from trustlayer.config.problems import BadConfig, Problem, dotted
from trustlayer.config.schema import Document
from trustlayer.config.secrecy import secrets
from trustlayer.errors import Unreadable

_AT = re.compile(r"(.*?) \(at (?:line (\d+), column \d+|end of document)\)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Config:
    """A file that agrees with the schema; nothing that it names has been looked for yet."""

    file: File
    document: Document
    places: Mapping[Path, int] = field(repr=False)

    def problem(self, path: Path, told: str, advice: str = "") -> BadConfig:
        """The error that *told* says of what stands at *path*."""
        return BadConfig(str(self.file), [self.at(path, told, advice)])

    def at(self, path: Path, told: str, advice: str = "") -> Problem:
        return Problem(_line(self.places, path), dotted(path), told, advice)


def read(file: str | File) -> Config:
    """Read *file*; raises BadConfig with everything that is wrong with it, or Unreadable."""
    path = File(file)
    text = _text(path)
    try:
        data = tomllib.loads(text)
        lines = places(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadConfig(str(path), [_broken(text, error)]) from error
    kept = dict(secrets(data, lines))
    problems = list(kept.values())
    try:
        document = Document.model_validate(data)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
        problems += [_problem(lines, d) for d in details if tuple(d["loc"]) not in kept]
        raise BadConfig(str(path), problems) from None  # its message shows every value
    if problems:
        raise BadConfig(str(path), problems)
    return Config(path, document, lines)


def _text(path: File) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        missing = Unreadable(f"there is no configuration file {path}")
        missing.add_note(f"make one: trustlayer config init --config {path}")
        raise missing from error
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        told = f"found the byte 0x{data[error.start]:02x}; expected text in UTF-8"
        raise BadConfig(str(path), [Problem(line, "", told)]) from error


def _broken(text: str, error: Exception) -> Problem:
    if isinstance(error, RecursionError):
        return Problem(1, "", "found more levels of nesting than can be read")
    match = _AT.fullmatch(str(error))
    told, line = (match[1], match[2]) if match else (str(error), None)
    number = int(line) if line else len(text.splitlines()) or 1
    return Problem(number, "", f"this is not TOML: {told}", "see https://toml.io")


def _problem(lines: Mapping[Path, int], detail: ErrorDetails) -> Problem:
    path = tuple(detail["loc"])
    line = _line(lines, path)
    if detail["type"] == "extra_forbidden":
        return Problem(line, dotted(path), *_unknown(path))
    if detail["type"] == "missing":
        return Problem(line, dotted(path), "found nothing; expected this key to be given")
    message = detail["msg"].removeprefix("Input should be ").removeprefix("Input should have ")
    told = f"found {_shown(detail['input'])}; expected {message[:1].lower()}{message[1:]}"
    return Problem(line, dotted(path), told)


def _line(lines: Mapping[Path, int], path: Path) -> int:
    """The line of *path*, or of the closest table around it."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _unknown(path: Path) -> tuple[str, str]:
    known = list(_fields(path[:-1]))
    close = get_close_matches(str(path[-1]), known, n=1)
    told = f"found an unknown key; expected one of {', '.join(known)}"
    return told, f"Did you mean {close[0]!r}?" if close else ""


def _fields(path: Path) -> Iterator[str]:
    """The keys that the schema knows in the table at *path*."""
    kind: Any = Document
    for part in path:
        kind = kind.model_fields[part].annotation if _is_table(kind) else get_args(kind)[-1]
        kind = next(filter(_is_table, get_args(kind)), kind) if _is_optional(kind) else kind
    yield from kind.model_fields


def _is_table(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _is_optional(kind: Any) -> bool:
    return type(None) in get_args(kind)


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "an array"
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else f"{value[:40]}…")
    return f"{value!r} ({type(value).__name__})"
