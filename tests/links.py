"""Whether a built site holds together: `python tests/links.py FOLDER`.

Every link to a page, a picture or an anchor of the site has to lead somewhere, and nothing may be
fetched from elsewhere to show a page: no script, style, font or picture of a third party.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

FETCHED = {("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src")}
STYLE = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)")


class Links(HTMLParser):
    """The anchors of a page, where it points, and what it fetches."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "link" and "href" in given and given.get("rel") != "canonical":
            self.fetched.append(given["href"])
        self.fetched += [given[name] for kind, name in FETCHED if tag == kind and name in given]


def problems(site: Path) -> list[str]:
    """What does not hold together in the folder *site*."""
    pages = {path: _read(path) for path in sorted(site.rglob("*.html"))}
    if not pages:
        return [f"{site} holds no page"]
    found = [told for path, page in pages.items() for told in _of_page(site, path, page, pages)]
    return found + list(_of_styles(site))


def _read(path: Path) -> Links:
    page = Links()
    page.feed(path.read_text("utf-8"))
    return page


def _of_page(site: Path, path: Path, page: Links, pages: dict[Path, Links]) -> Iterator[str]:
    here = path.relative_to(site)
    for link in [*page.links, *page.fetched]:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            if link in page.fetched and parts.scheme != "data":
                yield f"{here} fetches {link}"
            continue
        if here.name == "404.html":  # its links start at the root of wherever it is served
            continue
        target = _target(path, parts.path)
        if not target.exists():
            yield f"{here} leads to {link}, which is not there"
        elif parts.fragment and not _holds(pages.get(target), unquote(parts.fragment)):
            yield f"{here} leads to {link}, which has no such anchor"


def _holds(page: Links | None, anchor: str) -> bool:
    return page is None or anchor in page.anchors


def _target(path: Path, link: str) -> Path:
    target = (path.parent / unquote(link)).resolve() if link else path
    return target / "index.html" if target.is_dir() else target


def _of_styles(site: Path) -> Iterator[str]:
    for path in sorted(site.rglob("*.css")):
        for match in STYLE.finditer(path.read_text("utf-8")):
            link = match[1] or match[2]
            if link.startswith(("http:", "https:", "//")):
                yield f"{path.relative_to(site)} fetches {link}"


def main(folder: str) -> int:
    found = problems(Path(folder).resolve())
    print(*found or [f"{folder}: every link leads somewhere, nothing is fetched"], sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
