"""What went wrong, for programs (RFC 9457) and, on pages, for people."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

from starlette.responses import Response


class Problem(Exception):
    """A request that is not served: an HTTP *status*, and in *detail* what was expected."""

    def __init__(self, status: int, detail: str, *, after: float | None = None, **more: Any):
        super().__init__(status, detail)
        self.status = status
        self.detail = detail
        self.after = after  # seconds until it is worth another try
        self.more = more

    @property
    def title(self) -> str:
        return HTTPStatus(self.status).phrase

    @property
    def headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        if self.after is not None:
            headers["Retry-After"] = str(max(1, math.ceil(self.after)))
        if self.status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = 'Bearer realm="trustlayer"'
        return headers


class Json(Response):
    """JSON in ASCII: also a lone surrogate has a form in it."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return json.dumps(plain(content), separators=(",", ":")).encode("ascii")


def plain(value: object) -> Any:
    """*value* as JSON knows it: times in ISO form, numbers that are none as null."""
    return json.loads(json.dumps(value, default=_plain), parse_constant=lambda name: None)


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


class ProblemJson(Json):
    media_type = "application/problem+json"


def as_json(problem: Problem, path: str) -> Response:
    """*problem*, met at *path*, as a program is told of it."""
    told: Mapping[str, Any] = {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": path,
        **problem.more,
    }
    return ProblemJson(told, problem.status, headers=problem.headers)
