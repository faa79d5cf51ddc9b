"""The pages of the documentation: their blocks run, each page in an empty folder of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tests.blocks import blocks_of, packages_of, run
from tests.links import problems

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted((ROOT / "docs").rglob("*.md"))
FOLDERS = ("docs", "detectors", "integrations", "examples")
TEXTS = [*ROOT.glob("*.md"), *(page for f in FOLDERS for page in sorted((ROOT / f).rglob("*.md")))]
ROW = re.compile(r"(?<!\\)\|")
RUNNING = [page for page in PAGES if "```python" in page.read_text("utf-8")]
ENVIRON = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "OTEL_SDK_DISABLED": "false"}


@pytest.fixture(scope="module")
def ran() -> dict[str, list[str]]:
    """What went wrong, by page; all are run in one process, as their imports take longest."""
    program = [sys.executable, "-W", "ignore", str(ROOT / "tests" / "blocks.py"), "--json"]
    done = subprocess.run(
        [*program, *map(str, RUNNING)],
        capture_output=True,
        text=True,
        env={**os.environ, **ENVIRON},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    return {str(page): wrong for page, (_, _, _, wrong) in zip(RUNNING, told, strict=True)}


@pytest.mark.checkout
@pytest.mark.parametrize("page", RUNNING, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_its_blocks_run(page: Path, ran: dict[str, list[str]]) -> None:
    assert ran[str(page)] == []


@pytest.mark.checkout
def test_there_is_a_page_for_each_host() -> None:
    names = {page.relative_to(ROOT / "docs").as_posix() for page in PAGES}
    hosts = ("langchain", "agents", "guardrails", "opentelemetry", "python", "cli", "metrics")
    assert {f"howto/{host}.md" for host in hosts} <= names
    assert len(RUNNING) >= 10


def broken_rows(text: str) -> list[int]:
    """The lines of tables that have other columns than the line above."""
    counts = [len(ROW.findall(line)) if line.startswith("|") else 0 for line in text.split("\n")]
    pairs = enumerate(pairwise(counts), 2)
    return [n for n, (above, here) in pairs if above and here and above != here]


@pytest.mark.checkout
@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_tables_are_whole(path: Path) -> None:
    assert broken_rows(path.read_text("utf-8")) == []


def test_a_row_cut_short_is_seen() -> None:
    assert broken_rows("| a | b |\n|---|---|\n| 1 | 2 |\n| `x\\|y` \n\ntext") == [4]


PAGE = """# A page

```console
$ pip install "trustlayer[langchain,otel]"
$ echo "what was said" > said.txt
$ cat said.txt \\
    said.txt
told by a program
```

```toml title="some.toml"
a = 1
```

    ```python
    from pathlib import Path
    x = Path("some.toml").read_text()
    print(x, Path("said.txt").read_text())
    ```

```text
a = 1
what was said
```

<!-- not run: it waits for ever -->

```python
wait()
```

```python
print(x.missing)
```
"""


def test_blocks_are_run_in_order() -> None:
    Path("page.md").write_text(PAGE)
    page = run(Path("page.md"))
    assert (page.ran, page.skipped) == (4, ["line 28: it waits for ever"])
    [wrong] = page.wrong
    assert "page.md, line 32" in wrong
    assert "AttributeError" in wrong
    assert packages_of(PAGE, "/w.whl") == ["trustlayer[langchain,otel] @ file:///w.whl"]
    assert packages_of("$ pip install x", "/w.whl") == ["x"]
    assert blocks_of(PAGE)[0].commands[1].split() == ["cat", "said.txt", "said.txt"]


@pytest.mark.parametrize(
    ("block", "told"),
    [
        ("```python\nprint(1)\n```\n\n```text\n2\n```\n", "expected ['2'], printed was '1"),
        ("```console\n$ cat nothing.txt\n```\n", "exit code 1"),
    ],
)
def test_what_does_not_hold_is_told(block: str, told: str) -> None:
    Path("page.md").write_text(block)
    [wrong] = run(Path("page.md")).wrong
    assert told in wrong


def test_links_are_followed() -> None:
    site = Path("site")
    site.mkdir()
    (site / "style.css").write_text("@import 'https://fonts.example/a.css'; a { b: url(x.png) }")
    (site / "other.html").write_text('<h1 id="here">There</h1>')
    (site / "index.html").write_text(
        '<a href="other.html#here">1</a><a href="other.html#gone">2</a><a href="gone.html">3</a>'
        '<a href="https://elsewhere.example">4</a><script src="https://cdn.example/x.js"></script>'
    )
    found = problems(site.resolve())
    assert [told.partition(" leads to ")[2] or told for told in found] == [
        "other.html#gone, which has no such anchor",
        "gone.html, which is not there",
        "index.html fetches https://cdn.example/x.js",
        "style.css fetches https://fonts.example/a.css",
    ]
    assert problems(Path("nowhere")) == ["nowhere holds no page"]
