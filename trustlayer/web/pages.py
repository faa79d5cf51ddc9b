"""The pages that show what was recorded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from trustlayer.audit import AuditStore, reports, review
from trustlayer.audit.labels import Label, labels, record_label
from trustlayer.audit.places import place
from trustlayer.audit.searching import Page, detectors, search
from trustlayer.policy import Action
from trustlayer.web import charts
from trustlayer.web.access import Signed, SignedForm
from trustlayer.web.asked import FIELDS, cursor_of, moment_of, search_of
from trustlayer.web.desk import desk_of
from trustlayer.web.problems import Problem
from trustlayer.web.rendering import page
from trustlayer.web.showing import shown

router = APIRouter(include_in_schema=False)

_FINAL = (Action.ACCEPT, Action.HOLD, Action.REFUSE)


@router.get("/")
def overview(request: Request, session: Signed) -> Response:
    desk = desk_of(request)
    asked = request.query_params.get("since", "")
    since = moment_of("since", asked)
    recent = since is not None and datetime.now(UTC) - since <= timedelta(days=2)
    every = reports.Every.HOUR if recent else reports.Every.DAY
    periods = reports.over_time(desk.store, since, every)
    return page(
        request,
        "overview.html",
        session=session,
        since=asked,
        totals=reports.totals(desk.store, since),
        unexamined=_unexamined(desk.store, since),
        waiting=_waiting(desk.store),
        periods=periods,
        chart=charts.over_time(periods, every),
        recent=reports.lines(desk.store, since, limit=10),
    )


def _waiting(store: AuditStore) -> str:
    found = review.waiting(store)
    return f"{found}+" if found >= review.COUNTED else str(found)


def _unexamined(store: AuditStore, since: datetime | None) -> float | None:
    found = reports.by_detector(store, since)
    asked = sum(r.examined + r.unexamined for r in found)
    return sum(r.unexamined for r in found) / asked if asked else None


@router.get("/outcomes")
def outcomes(request: Request, session: Signed) -> Response:
    desk = desk_of(request)
    given = {name: request.query_params.get(name, "") for name in FIELDS}
    after = request.query_params.get("after", "")
    error, found = "", Page((), None)
    try:
        found = search(desk.store, search_of(given), after=cursor_of(after))
    except Problem as problem:
        error = problem.detail
    return page(
        request,
        "outcomes.html",
        422 if error else 200,
        session=session,
        given=given,
        found=found,
        error=error,
        older=bool(after),
        filtered=any(given.values()),
        actions=_FINAL,
        detectors=detectors(desk.store),
    )


@router.get("/outcomes/{id}")
def outcome(request: Request, session: Signed, id: str) -> Response:
    desk = desk_of(request)
    found = desk.store.outcome(id)
    if found.id != id:
        return RedirectResponse(f"/outcomes/{found.id}", 303)
    return page(
        request,
        "outcome.html",
        session=session,
        labels=labels(desk.store, found.id),
        decision=review.decision(desk.store, found.id),
        place=place(desk.store, found.id),
        **shown(found),
    )


@router.get("/outcomes/{id}/answers/{number}.txt")
def answer(request: Request, session: Signed, id: str, number: int) -> Response:
    """One answer as it is, as a file."""
    attempts = desk_of(request).store.outcome(id).attempts
    verdict = attempts[number].verdict if 0 <= number < len(attempts) else None
    if verdict is None:
        raise Problem(404, f"outcome {id} has no answer {number}")
    body = verdict.exchange.answer.encode("utf-8", "backslashreplace")
    headers = {"Content-Disposition": f'attachment; filename="answer-{number}.txt"'}
    return Response(body, headers=headers, media_type="text/plain; charset=utf-8")


@router.post("/outcomes/{id}/labels")
def say(request: Request, session: Signed, id: str, form: SignedForm) -> Response:
    """Record what the reviewer says of an answer."""
    attempt, bad = form.text("attempt"), form.text("bad")
    if not attempt.isascii() or not attempt.isdigit() or bad not in ("0", "1"):
        raise Problem(422, "expected the number of an attempt, and whether its answer is bad")
    who = session.reviewer.name
    label = Label(id, min(int(attempt), 10**6), bad == "1", who, form.text("reason")[:2000])
    record_label(desk_of(request).store, label)
    return RedirectResponse(f"/outcomes/{id}#labels", 303)
