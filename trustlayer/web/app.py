"""The application: pages and REST behind their guards, errors told to whoever asked."""

from __future__ import annotations

from importlib.resources import files
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from trustlayer import __version__
from trustlayer.errors import (
    AlreadyClaimed,
    AlreadyDecided,
    NotHeld,
    TrustlayerError,
    UnknownOutcome,
)
from trustlayer.web import api, deciding, pages, queueing, reporting, signing
from trustlayer.web.access import COOKIE, SignedOut
from trustlayer.web.desk import Desk, desk_of
from trustlayer.web.guards import Addressed, Armoured, Bounded, Paced
from trustlayer.web.problems import Problem, as_json
from trustlayer.web.rates import Rates
from trustlayer.web.rendering import page

_ABOUT = (
    "Examine answers, read what the audit store recorded, and decide on held answers. "
    "Errors are told as application/problem+json (RFC 9457)."
)


def application(desk: Desk) -> FastAPI:
    """The ASGI application that serves *desk*."""
    settings = desk.settings
    guards = [
        Middleware(Armoured, secure=settings.secure),
        Middleware(Addressed, hosts=settings.hosts, refusal=_refusal),
        Middleware(Paced, rates=Rates(settings.rate, settings.burst), refusal=_refusal),
        Middleware(Bounded, most=settings.body, patience=settings.patience, refusal=_refusal),
    ]
    app = FastAPI(
        title="trustlayer",
        version=__version__,
        description=_ABOUT,
        middleware=guards,
        docs_url=None,  # their assets would come from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.desk = desk
    for part in (api, deciding, signing, pages, queueing, reporting):
        app.include_router(part.router)
    static = str(files("trustlayer.web") / "static")
    app.mount("/static", StaticFiles(directory=static), name="static")
    _tell_errors(app)
    return app


def _tell_errors(app: FastAPI) -> None:
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(SignedOut, _signed_out)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _unexpected)
    app.add_exception_handler(UnknownOutcome, _unknown)
    for taken in (AlreadyClaimed, AlreadyDecided, NotHeld):
        app.add_exception_handler(taken, _conflict)
    app.add_exception_handler(TrustlayerError, _unavailable)
    app.add_exception_handler(Exception, _broken)


def _told(request: Request, problem: Problem) -> Response:
    path = request.url.path
    if path.startswith("/api/") or path == "/openapi.json":
        return as_json(problem, path)
    session = desk_of(request).sessions.of(request.cookies.get(COOKIE, ""))
    told, headers = {"problem": problem}, problem.headers
    return page(request, "problem.html", problem.status, session=session, headers=headers, **told)


def _refusal(scope: Scope, problem: Problem) -> Response:
    return _told(Request(scope), problem)


def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return _told(request, error)


def _signed_out(request: Request, error: Exception) -> Response:
    wanted = request.url.path if request.method == "GET" else "/"
    if request.method == "GET" and request.url.query:
        wanted += f"?{request.url.query}"
    return RedirectResponse(f"/login?next={quote(wanted, safe='')}", 303)


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    told = _told(request, Problem(error.status_code, _reason(request, error)))
    for name, value in (error.headers or {}).items():
        told.headers[name] = value
    return told


def _reason(request: Request, error: HTTPException) -> str:
    if error.status_code == 404:
        return f"there is nothing at {request.url.path}"
    if error.status_code == 405:
        return f"{request.method} is not for {request.url.path}"
    return str(error.detail)


def _unexpected(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = [_field(item) for item in error.errors()]
    first = found[0] if found else {"at": "body", "expected": "something else"}
    more = f" ({len(found) - 1} more)" if len(found) > 1 else ""
    detail = f"{first['at']}: {first['expected']}{more}"
    return _told(request, Problem(422, detail, errors=found))


def _field(item: Any) -> dict[str, str]:
    # What was found there is not repeated: it may be long, secret, or no JSON at all.
    return {"at": ".".join(map(str, item["loc"])), "expected": str(item["msg"])}


def _unknown(request: Request, error: Exception) -> Response:
    return _told(request, Problem(404, str(error)))


def _conflict(request: Request, error: Exception) -> Response:
    return _told(request, Problem(409, str(error)))


def _unavailable(request: Request, error: Exception) -> Response:
    advice = "; ".join(getattr(error, "__notes__", ()))
    return _told(request, Problem(503, f"{error} ({advice})" if advice else str(error), after=5))


def _broken(request: Request, error: Exception) -> Response:
    return _told(request, Problem(500, "the desk failed; its log tells more"))
