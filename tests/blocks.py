"""Runs the code blocks of Markdown pages, as somebody who copies them would.

`python tests/blocks.py PAGE.md...` runs each page in an empty folder of its own, block by block:
Python in one namespace, `$` lines of consoles in a shell, and any block with a title
(```toml title="trustlayer.toml") becomes that file. A `text` block after Python has to be what
that printed. A comment `<!-- not run: why -->` above a block leaves it out; of consoles, what
installs or serves is left out by itself. `--packages PAGE.md WHEEL` prints what the page says is to
be installed, with WHEEL for trustlayer.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FENCE = re.compile(
    r"(?P<before>[^\n]*\n\n?)?^(?P<indent> *)```(?P<kind>\w+)(?P<rest>[^\n]*)\n"
    r"(?P<text>.*?)^(?P=indent)```\s*?$",
    re.DOTALL | re.MULTILINE,
)
TITLE = re.compile(r'title="([^"]+)"')
NOT_RUN = re.compile(r"<!-- not run: (.+?) -->")
RUN = ("trustlayer", "echo", "cat", "printf", "python", "head")
CODES = (0, 3)  # 3: an answer that was not accepted
PATIENCE = 300.0


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a page; *line* is where its fence stands, *skip* why it is not run."""

    kind: str
    text: str
    line: int
    title: str | None = None
    skip: str | None = None

    @property
    def commands(self) -> list[str]:
        """What of a console is run: lines after a ``$``, with those that they go on in."""
        joined = self.text.replace("\\\n", " ")
        lines = [ln.removeprefix("$ ") for ln in joined.splitlines() if ln.startswith("$ ")]
        return [line for line in lines if line.split()[0] in RUN]


@dataclass(slots=True)
class Page:
    """What came of a page."""

    name: str
    ran: int = 0
    skipped: list[str] = field(default_factory=list[str])
    wrong: list[str] = field(default_factory=list[str])


def blocks_of(markdown: str) -> list[Block]:
    """All fenced blocks of *markdown*, in order."""
    return list(_blocks(markdown))


def _blocks(markdown: str) -> Iterator[Block]:
    for match in FENCE.finditer(markdown):
        indent = len(match["indent"])
        text = "".join(line[indent:] or "\n" for line in match["text"].splitlines(keepends=True))
        reason = NOT_RUN.search(match["before"] or "")
        title = TITLE.search(match["rest"])
        line = markdown.count("\n", 0, match.start("kind")) + 1
        yield Block(
            match["kind"],
            text,
            line,
            title[1] if title else None,
            reason[1] if reason else None,
        )


def packages_of(markdown: str, wheel: str) -> list[str]:
    """What the page's `pip install` lines install, with *wheel* for trustlayer itself."""
    lines = re.findall(r"^\$ pip install ([^#\n]+)", markdown, re.MULTILINE)
    named = [word.strip("\"'") for line in lines for word in line.split()]
    found = [word for word in named if not word.startswith("-")] or ["trustlayer"]
    own = re.compile(r"^trustlayer(\[[\w,]+\])?$")
    return sorted({own.sub(lambda m: f"trustlayer{m[1] or ''} @ file://{wheel}", w) for w in found})


def run(path: Path) -> Page:
    """Run the page at *path* in the working folder."""
    page, names, told = Page(path.name), {"__name__": "__main__"}, ""
    for block in blocks_of(path.read_text("utf-8")):
        if block.skip is not None:
            page.skipped.append(f"line {block.line}: {block.skip}")
            continue
        try:
            told = _run(block, names, told, page)
        except Exception:
            page.wrong.append(f"{path}, line {block.line}: {traceback.format_exc(limit=-3)}")
    return page


def _run(block: Block, names: dict[str, Any], told: str, page: Page) -> str:
    if block.title is not None:
        place = Path(block.title)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(block.text, encoding="utf-8")
    elif block.kind == "python":
        page.ran += 1
        return _python(block, names)
    elif block.kind == "text" and told:
        _expect(block.text, told)
    elif block.kind == "console":
        for command in block.commands:
            page.ran += 1
            _shell(command)
        return ""
    return ""


def _python(block: Block, names: dict[str, Any]) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(block.text, f"block at line {block.line}", "exec"), names)
    return out.getvalue()


def _expect(wanted: str, told: str) -> None:
    missing = [line for line in wanted.strip().splitlines() if line.strip() not in told]
    if missing:
        raise AssertionError(f"expected {missing}, printed was {told!r}")


def _shell(command: str) -> None:
    folder = str(Path(sys.executable).parent)
    environ = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        env=environ,
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode not in CODES:
        raise AssertionError(
            f"$ {command}\nexit code {done.returncode}\n{done.stdout}{done.stderr}"
        )


def run_all(paths: list[Path]) -> list[Page]:
    """Run each page of *paths* in an empty folder of its own."""
    pages = []
    before = Path.cwd()
    for path in [p.resolve() for p in paths]:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            try:
                pages.append(run(path))
            finally:
                os.chdir(before)
    return pages


def main(words: list[str]) -> int:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # nothing is fetched
    if words[0] == "--packages":
        print(*packages_of(Path(words[1]).read_text("utf-8"), words[2]), sep="\n")
        return 0
    as_json = words[0] == "--json"
    pages = run_all([Path(word) for word in words[as_json:]])
    if as_json:
        print(json.dumps([[p.name, p.ran, p.skipped, p.wrong] for p in pages]))
        return 0
    for page in pages:
        told = f"{page.ran} run, {len(page.skipped)} not run"
        print("BAD " if page.wrong else "ok  ", page.name, "-", told)
        print(*page.wrong, sep="\n", end="\n" if page.wrong else "")
    return 1 if any(page.wrong for page in pages) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
