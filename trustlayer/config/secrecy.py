"""Keys and passwords have no place in a file: they are found here, and never shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from trustlayer.config.places import Path
from trustlayer.config.problems import Problem, dotted

_SECRET_NAME = re.compile(
    r"(?:.*[_-])?(?:api[_-]?key|key|secret|token|password|passwd|credentials?|authorization)",
    re.IGNORECASE,
)
# Prefixes by which the large services mark their keys.
_SECRET_VALUE = re.compile(r"(?:sk|pk|rk)[-_]\w{8}|gh[pousr]_\w|xox[abp]-|AKIA[0-9A-Z]{8}|Bearer\s")
_PASSWORD_IN_URL = re.compile(r"\w[\w+.-]*://[^/@\s]*:[^/@\s]+@")


def secrets(
    document: Mapping[str, Any], places: Mapping[Path, int]
) -> Iterator[tuple[Path, Problem]]:
    """Every literal key or password in *document*, by the path that it was found at."""
    for path, value in _strings(document, ()):
        name = next(part for part in reversed(path) if isinstance(part, str))
        advice = _advice(path, name, value)
        if advice:
            told = "found a secret; expected none in a file, which is copied and committed"
            yield path, Problem(places.get(path, 1), dotted(path), told, advice)


def _advice(path: Path, name: str, value: str) -> str:
    if _PASSWORD_IN_URL.match(value):
        return f'put it into an environment variable and write: {name}_env = "NAME_OF_THE_VARIABLE"'
    if not name.endswith("_env") and (_SECRET_NAME.fullmatch(name) or _SECRET_VALUE.match(value)):
        return (
            "put it into an environment variable and write, "
            f'in [{_table(path)}]: key_env = "NAME_OF_THE_VARIABLE"'
        )
    return ""


def _table(path: Path) -> str:
    return "[models]" if path[0] == "models" else dotted(path[:2] if len(path) > 2 else path[:1])


def _strings(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str) and path:
        yield path, value
    elif isinstance(value, dict):
        for key, inner in cast("dict[str, Any]", value).items():
            yield from _strings(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(cast("list[object]", value)):
            yield from _strings(inner, (*path, number))
