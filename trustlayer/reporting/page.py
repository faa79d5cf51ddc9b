"""The report as one HTML file: styles and drawings inside, no script, nothing from elsewhere."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from trustlayer.reporting import words
from trustlayer.reporting.book import Book
from trustlayer.reporting.parts import Section
from trustlayer.reporting.sections import sections


def render(book: Book, source: str) -> str:
    """The whole page; *source* is what to call the store."""
    return (
        _environment()
        .get_template("page.html")
        .render(
            book=book,
            source=source,
            sections=sections(book),
            style=Markup(stylesheet()),  # our own file
            span=_span(book),
        )
    )


def fragments(book: Book) -> dict[str, Markup]:
    """Each section by its id, to be shown in another page, which needs `stylesheet` as well."""
    template = _environment().get_template("section.html")
    return {s.id: Markup(template.render(section=s)) for s in sections(book)}


def section(made: Section) -> Markup:
    """One section."""
    return Markup(_environment().get_template("section.html").render(section=made))


def stylesheet() -> str:
    """The styles of page and fragments."""
    return (files("trustlayer.reporting") / "templates" / "report.css").read_text("utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("trustlayer.reporting"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["words"] = words  # pyright: ignore[reportUnknownMemberType]
    return environment


def _span(book: Book) -> str:
    scope = book.scope
    since, until = scope.since or book.totals.first, scope.until or book.totals.last
    told = f"{words.moment(since)} to {words.moment(until)} UTC"
    if scope.model is not None:
        told += f", model {scope.model}"
    return told if scope.detector is None else f"{told}, detector {scope.detector}"
