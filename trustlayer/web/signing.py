"""Signing in and out."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from trustlayer.web.access import COOKIE, SignedForm, form_of, holder_of
from trustlayer.web.desk import desk_of
from trustlayer.web.rendering import page

router = APIRouter(include_in_schema=False)

_BEFORE = "trustlayer-login"  # the cookie that ties a login form to its browser


@router.get("/login")
def login(request: Request, next: Annotated[str, Query(max_length=2000)] = "/") -> Response:
    return _form(request, next, 200, "")


@router.post("/login")
async def enter(request: Request) -> Response:
    """Take a token, give a cookie; whatever id the browser had before is worth nothing after."""
    desk = desk_of(request)
    form = await form_of(request, desk.sessions.csrf(request.cookies.get(_BEFORE, "")))
    wanted = form.text("next")
    reviewer = holder_of(desk, request, form.text("token").strip())
    if reviewer is None:
        return _form(request, wanted, 403, "This token is not one of this desk's.")
    answer = RedirectResponse(own_path(wanted), 303)
    desk.sessions.close(request.cookies.get(COOKIE, ""))
    _set(answer, COOKIE, desk.sessions.open(reviewer), desk.settings.secure)
    answer.delete_cookie(_BEFORE)
    return answer


@router.post("/logout")
def leave(request: Request, form: SignedForm) -> Response:
    desk_of(request).sessions.close(request.cookies.get(COOKIE, ""))
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE)
    return answer


def own_path(wanted: str) -> str:
    """*wanted*, if it is a path on this site, else the first page."""
    own = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if own and wanted.isascii() and wanted.isprintable() else "/"


def _form(request: Request, wanted: str, status: int, error: str) -> Response:
    desk = desk_of(request)
    known = request.cookies.get(_BEFORE) or secrets.token_urlsafe(32)
    csrf = desk.sessions.csrf(known)
    answer = page(request, "login.html", status, csrf=csrf, wanted=wanted, error=error)
    _set(answer, _BEFORE, known, desk.settings.secure)
    return answer


def _set(answer: Response, name: str, value: str, secure: bool) -> None:
    answer.set_cookie(name, value, httponly=True, samesite="strict", secure=secure, path="/")
