"""The pages of the queue: held answers, looked at and decided on one after the other."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from trustlayer.audit import AuditStore, review
from trustlayer.audit.queue import Waiting, queue
from trustlayer.audit.review import Choice, Claim, Decision, Ruling
from trustlayer.errors import AlreadyClaimed, AlreadyDecided
from trustlayer.exchange import Span
from trustlayer.outcome import Outcome
from trustlayer.web.access import Form, Signed, SignedForm
from trustlayer.web.desk import Desk, desk_of
from trustlayer.web.problems import Json, Problem
from trustlayer.web.rendering import page
from trustlayer.web.sessions import Session
from trustlayer.web.showing import shown, tried

router = APIRouter(include_in_schema=False)

_LISTED = 100  # held answers in the list beside the one that is looked at


@router.get("/queue")
def first(request: Request, session: Signed) -> Response:
    """The held answer that waits for longest and that nobody else looks at."""
    waiting = queue(desk_of(request).store, limit=_LISTED).waiting
    free = [w for w in waiting if w.claim is None or w.claim.who == session.reviewer.name]
    found = next(iter(free or waiting), None)
    if found is None:
        return page(request, "queue_empty.html", session=session)
    return RedirectResponse(f"/queue/{found.line.id}", 303)


@router.get("/queue/{id}")
def look(request: Request, session: Signed, id: str) -> Response:
    desk = desk_of(request)
    outcome = desk.store.outcome(id)
    if outcome.id != id:
        return RedirectResponse(f"/queue/{outcome.id}", 303)
    review.expect_held(desk.store, id)
    return _page(request, session, outcome, review.decision(desk.store, id))


@router.post("/queue/{id}/claim")
def claim(request: Request, session: Signed, id: str, form: SignedForm) -> Response:
    """Take a held answer; what is told is for the page that stands open."""
    desk = desk_of(request)
    asked = "application/json" in request.headers.get("accept", "")
    try:
        found = review.claim(desk.store, id, session.reviewer.name, desk.settings.claim)
    except (AlreadyClaimed, AlreadyDecided) as error:
        if not asked:
            raise
        return Json({"told": str(error)}, 409)
    return Json({"told": _told(found)}) if asked else RedirectResponse(f"/queue/{id}", 303)


@router.post("/queue/{id}")
def decide(request: Request, session: Signed, id: str, form: SignedForm) -> Response:
    """Decide, and go on to the next one; whoever comes second is shown who was first."""
    desk = desk_of(request)
    try:
        review.decide(desk.store, id, session.reviewer.name, _ruling(form))
    except AlreadyDecided:
        found = review.decision(desk.store, id)
        return _page(request, session, desk.store.outcome(id), found, status=409, second=True)
    except AlreadyClaimed as error:
        outcome = desk.store.outcome(id)
        return _page(request, session, outcome, None, status=409, told=str(error), form=form)
    return RedirectResponse(_next(desk.store, session, form.text("next")), 303)


def _ruling(form: Form) -> Ruling:
    try:
        choice = Choice(form.text("decision"))
        answer = form.text("answer") if choice is Choice.EDIT else None
        spans = tuple(_span(text) for text in form.all("span")) or None
        return Ruling(choice, answer, form.text("reason")[:2000], spans)
    except ValueError as error:
        raise Problem(422, str(error)) from error


def _span(text: str) -> Span:
    start, _, end = text.partition("-")
    if not (start + end).isascii() or not (start.isdigit() and end.isdigit()):
        raise ValueError("a stretch is given as START-END, in characters")
    return Span(int(start[:12]), int(end[:12]))


def _next(store: AuditStore, session: Session, wanted: str) -> str:
    # The one after it in the list, if that still waits: else whichever is first.
    for found in queue(store, limit=_LISTED).waiting:
        if found.line.id == wanted and _free(found, session):
            return f"/queue/{wanted}"
    return "/queue"


def _free(found: Waiting, session: Session) -> bool:
    return found.claim is None or found.claim.who == session.reviewer.name


def _page(
    request: Request,
    session: Session,
    outcome: Outcome,
    decision: Decision | None,
    *,
    status: int = 200,
    second: bool = False,
    told: str = "",
    form: Form | None = None,
) -> Response:
    desk = desk_of(request)
    waiting = queue(desk.store, limit=_LISTED)
    found = _claim(desk, outcome, decision)
    given = shown(outcome)
    return page(
        request,
        "queue.html",
        status,
        session=session,
        waiting=waiting,
        decision=decision,
        second=second,
        told=told or _standing(found, session),
        mine=found is not None and found.who == session.reviewer.name,
        taken=found is not None and found.who != session.reviewer.name,
        draft=form.text("answer") if form is not None else "",
        every=max(5, round(desk.settings.claim / 4)),
        held=tried(outcome, given["best"]),
        **_beside(waiting.waiting, outcome.id),
        **given,
    )


def _claim(desk: Desk, outcome: Outcome, decision: Decision | None) -> Claim | None:
    return None if decision is not None else review.claim_on(desk.store, outcome.id)


def _standing(found: Claim | None, session: Session) -> str:
    if found is None:
        return "Nobody else is looking at it."
    if found.who != session.reviewer.name:
        return f"{found.who} is looking at it, until {found.expires:%H:%M} UTC."
    return _told(found)


def _told(found: Claim) -> str:
    return f"It is yours until {found.expires:%H:%M} UTC."


def _beside(waiting: tuple[Waiting, ...], id: str) -> dict[str, Any]:
    # The ids before and after it; of one that does not wait any more, the first is next.
    ids = [found.line.id for found in waiting]
    if id not in ids:
        return {"previous": None, "following": next(iter(ids), None)}
    at = ids.index(id)
    return {
        "previous": ids[at - 1] if at else None,
        "following": ids[at + 1] if at + 1 < len(ids) else None,
    }
