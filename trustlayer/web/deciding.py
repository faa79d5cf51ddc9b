"""REST: the queue of held answers, claims and decisions."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from trustlayer.audit import review
from trustlayer.audit.queue import Waiting, queue
from trustlayer.audit.review import Choice, Claim, Decision, Ruling
from trustlayer.web.access import Caller
from trustlayer.web.api import TROUBLES, Id, spans_of
from trustlayer.web.asked import cursor_of
from trustlayer.web.desk import desk_of
from trustlayer.web.problems import Json, Problem
from trustlayer.web.shapes import Claimed, Decide, Decided, Queue, problem_of

_TAKEN = problem_of("Somebody else has claimed it or decided on it; `detail` says who")
_CONFLICTS: dict[int | str, dict[str, Any]] = {409: _TAKEN}

router = APIRouter(prefix="/api/queue", tags=["queue"], responses=TROUBLES)


@router.get("", response_model=Queue)
def waiting(
    request: Request,
    caller: Caller,
    after: Annotated[str, Query(max_length=20, description="The cursor of a page.")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Json:
    """Held answers that wait for a decision, the one held for longest first."""
    page = queue(desk_of(request).store, after=cursor_of(after), limit=limit)
    following = None if page.after is None else str(page.after)
    return Json({"waiting": list(map(_waiting_object, page.waiting)), "after": following})


@router.post("/{id}/claim", response_model=Claimed, responses=_CONFLICTS)
def claim(request: Request, caller: Caller, id: Id) -> Json:
    """Have a held answer to yourself for some minutes; renews your own claim."""
    desk = desk_of(request)
    found = review.claim(desk.store, id, caller.name, desk.settings.claim)
    return Json(_claim_object(found))


@router.get("/{id}/decision", response_model=Decided)
def decision(request: Request, caller: Caller, id: Id) -> Json:
    """What was decided; 404 as long as nothing is."""
    found = review.decision(desk_of(request).store, id)
    if found is None:
        raise Problem(404, f"nothing is decided on {id!r}")
    return Json(decision_object(found))


@router.post("/{id}/decision", response_model=Decided, responses=_CONFLICTS, status_code=201)
def decide(request: Request, caller: Caller, id: Id, given: Decide) -> Json:
    """Decide on a held answer, once: the run that waits for it goes on, and it is labelled."""
    try:
        spans = None if given.spans is None else spans_of(given.spans)
        ruling = Ruling(Choice(given.decision), given.answer, given.reason, spans)
    except ValueError as error:
        raise Problem(422, str(error)) from error
    found = review.decide(desk_of(request).store, id, caller.name, ruling)
    return Json(decision_object(found), 201)


def decision_object(found: Decision) -> dict[str, Any]:
    made = asdict(found)
    return {"decision": made.pop("choice"), **made}


def _waiting_object(found: Waiting) -> dict[str, Any]:
    claim = None if found.claim is None else _claim_object(found.claim)
    return {"outcome": asdict(found.line), "claim": claim}


def _claim_object(found: Claim) -> dict[str, Any]:
    return {"who": found.who, "expires": found.expires}
