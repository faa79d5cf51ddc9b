"""REST: examine answers, read outcomes and reports."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request

from trustlayer.audit.labels import Label, labels, record_label
from trustlayer.audit.searching import search
from trustlayer.exchange import Exchange, Span
from trustlayer.objects import outcome_object
from trustlayer.web import reporting
from trustlayer.web.access import Caller
from trustlayer.web.asked import FIELDS, cursor_of, search_of
from trustlayer.web.desk import desk_of
from trustlayer.web.problems import Json, Problem
from trustlayer.web.shapes import Lines, Names, Recorded, Report, Said, Say, Verify, problem_of

TROUBLES: dict[int | str, dict[str, Any]] = {
    status: problem_of(words)
    for status, words in {
        400: "The body is not JSON",
        401: "No token, or a wrong one",
        404: "There is no such thing",
        413: "The request is too long",
        422: "The request is not what is expected; `errors` tells where",
        429: "Too many requests; Retry-After tells when to come again",
        503: "Cannot be done now; Retry-After tells when to come again",
    }.items()
}

router = APIRouter(prefix="/api", tags=["trustlayer"], responses=TROUBLES)

Id = Annotated[str, Path(max_length=200, description="The outcome's id.")]
Text = Annotated[str, Query(max_length=500)]
Name = Annotated[str, Path(max_length=100, json_schema_extra={"enum": list(reporting.REPORTS)})]


@router.post("/verify", response_model=Recorded)
def verify(request: Request, caller: Caller, given: Verify) -> Json:
    """Examine a given answer, and record the outcome before it is told."""
    exchange = Exchange(given.prompt, given.answer, tuple(given.context), tuple(given.samples))
    return Json(outcome_object(desk_of(request).examiner.examine(exchange, given.correlation)))


@router.get("/outcomes", response_model=Lines)
def outcomes(
    request: Request,
    caller: Caller,
    text: Text = "",
    model: Text = "",
    action: Text = "",
    detector: Text = "",
    risk_from: Text = "",
    risk_to: Text = "",
    since: Text = "",
    until: Text = "",
    after: Annotated[str, Query(max_length=20, description="The cursor of a page.")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Json:
    """Search what was recorded, the newest first. A page may be empty and have a next one."""
    given = {name: request.query_params.get(name, "") for name in FIELDS}
    store = desk_of(request).store
    page = search(store, search_of(given), after=cursor_of(after), limit=limit)
    found = {
        "outcomes": [asdict(line) for line in page.lines],
        "after": None if page.after is None else str(page.after),
        "reached": page.reached,
    }
    return Json(found)


@router.get("/outcomes/{id}", response_model=Recorded)
def outcome(request: Request, caller: Caller, id: Id) -> Json:
    """One outcome, with every attempt."""
    return Json(outcome_object(desk_of(request).store.outcome(id)))


@router.get("/outcomes/{id}/labels", response_model=list[Said])
def said(request: Request, caller: Caller, id: Id) -> Json:
    """What people said of the answers of one outcome, the first said first."""
    store = desk_of(request).store
    return Json([_label_object(label) for label in labels(store, store.outcome(id).id)])


@router.post("/outcomes/{id}/labels", response_model=Said, status_code=201)
def say(request: Request, caller: Caller, id: Id, given: Say) -> Json:
    """Say whether an answer is bad, and where."""
    try:
        spans = None if given.spans is None else spans_of(given.spans)
        label = Label(id, given.attempt, given.bad, caller.name, given.reason, spans)
    except ValueError as error:
        raise Problem(422, str(error)) from error
    record_label(desk_of(request).store, label)
    return Json(_label_object(label), 201)


@router.get("/reports", response_model=Names)
def names(caller: Caller) -> Json:
    """Which reports there are."""
    return Json({"reports": list(reporting.REPORTS)})


@router.get("/reports/{name}", response_model=Report)
def report(
    request: Request,
    caller: Caller,
    name: Name,
    since: Annotated[str, Query(max_length=40, description="7d, 12h, or an ISO date.")] = "",
    until: Annotated[str, Query(max_length=40)] = "",
    detector: Text = "",
    model: Text = "",
) -> Json:
    """One report: its rows, over the outcomes in its scope."""
    given = {"since": since, "until": until, "detector": detector, "model": model}
    scope = reporting.scope_of(given)
    found = reporting.rows(desk_of(request).store, name, scope)
    return Json({"name": name, "scope": asdict(scope), "rows": [asdict(row) for row in found]})


def spans_of(pairs: list[list[int]]) -> tuple[Span, ...]:
    """The spans that *pairs* of start and end name; raises ValueError."""
    return tuple(Span(start, end) for start, end in pairs)


def _label_object(label: Label) -> dict[str, Any]:
    spans = None if label.spans is None else [[s.start, s.end] for s in label.spans]
    return {
        "who": label.who,
        "attempt": label.attempt,
        "bad": label.bad,
        "reason": label.reason,
        "spans": spans,
    }
