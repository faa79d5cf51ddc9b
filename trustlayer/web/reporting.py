"""The reports: by name for programs, all of them on one page for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from trustlayer.audit import AuditStore, reports
from trustlayer.audit.scope import Scope
from trustlayer.reporting import fragments, gather, stylesheet
from trustlayer.web.access import Signed
from trustlayer.web.asked import moment_of
from trustlayer.web.desk import desk_of
from trustlayer.web.problems import Problem
from trustlayer.web.rendering import page

router = APIRouter(include_in_schema=False)

REPORTS: Mapping[str, Callable[[AuditStore, Scope], Any]] = {
    "totals": reports.totals,
    "gains": reports.gains,
    "labelled_gains": reports.labelled_gains,
    "by_action": reports.by_action,
    "by_detector": reports.by_detector,
    "by_model": reports.by_model,
    "by_template": reports.by_template,
    "over_time": reports.over_time,
    "risks": reports.risk_spreads,
    "unexamined": reports.unexamined,
    "timings": reports.timings,
    "bad_rates": reports.bad_rates,
    "calibrations": reports.calibrations,
    "drift": reports.drift,
}


def rows(store: AuditStore, name: str, scope: Scope) -> Sequence[Any]:
    """The rows of the report of that *name*, dataclasses; raises Problem."""
    make = REPORTS.get(name)
    if make is None:
        raise Problem(404, f"there is no report {name!r}; there are: {', '.join(REPORTS)}")
    found = make(store, scope)
    return [found] if is_dataclass(found) else list(found)


def scope_of(fields: Mapping[str, str]) -> Scope:
    """The scope that *fields* name; raises Problem for what cannot be read."""
    try:
        return Scope(
            since=moment_of("since", fields.get("since", "")),
            until=moment_of("until", fields.get("until", "")),
            detector=fields.get("detector") or None,
            model=fields.get("model") or None,
        )
    except ValueError as error:
        raise Problem(422, str(error)) from error


@router.get("/reports")
def everything(request: Request, session: Signed) -> Response:
    desk = desk_of(request)
    since = request.query_params.get("since", "")
    book = gather(desk.store, scope_of({"since": since}))
    return page(
        request,
        "reports.html",
        session=session,
        since=since,
        book=book,
        fragments=fragments(book) if book.totals.outcomes else {},
    )


@router.get("/reports/report.css")
def style(request: Request) -> Response:
    return Response(stylesheet(), media_type="text/css")
