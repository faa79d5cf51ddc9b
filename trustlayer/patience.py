"""How long a service that is asked too often wants to be left alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

TRIES = 3  # times that one question is put again
LONGEST = 60.0  # seconds; who wants to be left alone for longer is not waited for

_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def retry_after(error: BaseException) -> float | None:
    """The seconds that *error* asks to wait before the question is put again, or None.

    Read from an attribute ``retry_after``, or from the headers of an attribute ``response``,
    as the clients of the large services carry them.
    """
    given: object = getattr(error, "retry_after", None)
    if given is None:
        given = _header(getattr(getattr(error, "response", None), "headers", None))
    seconds = _seconds(given)
    return None if seconds is None or seconds > LONGEST else max(0.0, seconds)


def _header(headers: object) -> object:
    if not isinstance(headers, Mapping):
        return None
    given = cast("Mapping[object, object]", headers)
    lowered = {str(name).lower(): value for name, value in given.items()}
    if "retry-after-ms" in lowered and (seconds := _seconds(lowered["retry-after-ms"])) is not None:
        return seconds / 1000.0
    return lowered.get("retry-after")


def _seconds(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str):
        return None
    if _NUMBER.fullmatch(value.strip()):
        return float(value)
    from email.utils import parsedate_to_datetime  # slow to import, and seldom needed

    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return (at.astimezone(UTC) - datetime.now(UTC)).total_seconds()
