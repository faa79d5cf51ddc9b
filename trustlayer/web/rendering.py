"""Pages out of templates: everything escaped, nothing invisible left in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, cast
from urllib.parse import urlencode

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import Response

from trustlayer import __version__
from trustlayer.policy import Action
from trustlayer.web.sessions import Session

NONE = "\u2013"  # stands for what is not known
MEANINGS = {
    Action.ACCEPT: "accepted",
    Action.REVISE: "revised",
    Action.ESCALATE: "escalated",
    Action.HOLD: "held",
    Action.REFUSE: "refused",
}

# What a browser would act upon or hide: control characters but for tab and newline, marks that
# turn the direction of text, invisible ones, surrogates that no encoding knows.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069"
    r"\ufeff\ufdd0-\ufdef\ud800-\udfff\U000e0000-\U000e007f]"
)


def visible(value: object) -> object:
    r"""*value*, if it is a text, with every character spelled out that would not be seen."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return _UNSEEN.sub(_spelled, value.replace("\r\n", "\n"))
    return value


def page(
    request: Request,
    name: str,
    status: int = 200,
    *,
    session: Session | None = None,
    headers: Mapping[str, str] | None = None,
    **given: Any,
) -> Response:
    """The template of that *name* with what it is *given*."""
    template = environment().get_template(name)
    path = request.url.path
    text = template.render(path=path, session=session, version=__version__, **given)
    return Response(text, status, headers=headers, media_type="text/html")


@cache
def environment() -> Environment:
    made = Environment(
        loader=PackageLoader("trustlayer.web"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., object]] = {
        "moment": moment,
        "iso": datetime.isoformat,
        "risk": risk,
        "percent": percent,
        "count": count,
        "seconds": seconds,
        "meaning": meaning,
        "short": short,
        "query": query,
    }
    cast("Any", made).filters.update(filters)
    return made


def count(number: int) -> str:
    return f"{number:,}"


def meaning(action: str) -> str:
    return MEANINGS[Action(action)]


def short(id: str) -> str:
    return id[:8]


def moment(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"


def risk(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}"


def percent(share: float | None) -> str:
    return NONE if share is None else f"{share:.1%}"


def seconds(value: float | None) -> str:
    if value is None:
        return NONE
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def query(fields: Mapping[str, Any]) -> str:
    """*fields* as the query of a link, without the empty ones."""
    return urlencode({name: value for name, value in fields.items() if value not in ("", None)})


def _spelled(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
