"""Who asks: a signed-in person on pages, the holder of a token in the REST API."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import FormData

from trustlayer.web.desk import Desk, desk_of
from trustlayer.web.guards import client_of
from trustlayer.web.problems import Problem
from trustlayer.web.reviewers import Reviewer
from trustlayer.web.sessions import Session

COOKIE = "trustlayer"
_FIELDS = 200  # of one form

_bearer = HTTPBearer(
    auto_error=False, description="A reviewer's token, as `trustlayer serve` printed it."
)


class SignedOut(Exception):
    """Somebody asks for a page and has not signed in."""


def holder_of(desk: Desk, request: Request, token: str) -> Reviewer | None:
    """Whose *token* that is; raises Problem for a client that has guessed too often."""
    client = client_of(request.scope)
    if wait := desk.guesses.wait(client):
        raise Problem(429, "too many wrong tokens from your address", after=wait)
    reviewer = desk.reviewers.holder(token)
    if reviewer is None:
        desk.guesses.take(client)
    return reviewer


def bearer(
    request: Request,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Reviewer:
    """The holder of the token in the request's Authorization header."""
    if given is None:
        raise Problem(401, "expected the header Authorization: Bearer TOKEN")
    reviewer = holder_of(desk_of(request), request, given.credentials)
    if reviewer is None:
        raise Problem(401, "the token is not one of this desk's")
    return reviewer


def signed_in(request: Request) -> Session:
    """The session of the request's cookie; raises SignedOut."""
    desk = desk_of(request)
    session = desk.sessions.of(request.cookies.get(COOKIE, ""))
    if session is None or session.reviewer not in desk.reviewers:
        raise SignedOut
    return session


Caller = Annotated[Reviewer, Depends(bearer)]
Signed = Annotated[Session, Depends(signed_in)]


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form that came from a page of ours."""

    fields: Mapping[str, tuple[str, ...]]

    def text(self, name: str) -> str:
        """The field of that *name*, with the line ends of Python; empty if it is missing."""
        values = self.fields.get(name, ("",))
        return values[-1].replace("\r\n", "\n").replace("\r", "\n")

    def all(self, name: str) -> tuple[str, ...]:
        return self.fields.get(name, ())


async def form_of(request: Request, csrf: str) -> Form:
    """The form in *request*; raises Problem unless it carries *csrf* and is from this site."""
    expect_own(request)
    try:
        found: FormData = await request.form(max_files=0, max_fields=_FIELDS)
    except Exception as error:
        raise Problem(400, "expected a form") from error
    names = dict.fromkeys(found.keys())
    form = Form({n: tuple(v for v in found.getlist(n) if isinstance(v, str)) for n in names})
    given = form.text("csrf") or request.headers.get("x-csrf", "")
    if not hmac.compare_digest(given.encode("utf-8", "replace"), csrf.encode()):
        raise Problem(403, "the form carries no valid CSRF token: load its page again, and send it")
    return form


def expect_own(request: Request) -> None:
    """Raises Problem when the browser says that another site's page made it ask."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host")
    if site not in ("same-origin", "none") or foreign:
        raise Problem(403, "forms are taken from this desk's own pages only")


async def signed_form(request: Request, session: Signed) -> Form:
    return await form_of(request, session.csrf)


SignedForm = Annotated[Form, Depends(signed_form)]
