"""The rules of the house that a machine can hold us to."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("trustlayer", "detectors", "integrations", "migrations")
SOURCES = sorted(p for folder in FOLDERS for p in (ROOT / folder).rglob("*.py"))
LONGEST_MODULE = 300
LONGEST_FUNCTION = 40

pytestmark = pytest.mark.checkout


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return (node.end_lineno or 0) - (body[0].lineno if body else node.lineno) + 1


def test_modules_are_one_idea() -> None:
    lengths = {_named(p): len(p.read_text("utf-8").splitlines()) for p in SOURCES}
    assert lengths
    assert {name: n for name, n in lengths.items() if n > LONGEST_MODULE} == {}


def test_functions_fit_on_a_screen() -> None:
    lengths = {
        f"{_named(p)}:{node.lineno} {node.name}": _length(node)
        for p in SOURCES
        for node in _functions(p)
    }
    assert {name: n for name, n in lengths.items() if n > LONGEST_FUNCTION} == {}
    assert sorted(lengths.values())[len(lengths) // 2] <= 10


def test_every_package_is_typed() -> None:
    inner = [p for folder in FOLDERS[1:] for p in (ROOT / folder).iterdir() if p.is_dir()]
    packages = [p for p in [ROOT / "trustlayer", *inner] if (p / "__init__.py").exists()]
    assert len(packages) >= 5
    assert [p.name for p in packages if not (p / "py.typed").exists()] == []


def test_imports_point_one_way() -> None:
    """Ruff enforces it; this shows that ruff would object."""
    banned = "import trustlayer_detectors\nimport trustlayer_langchain\n"
    found = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--stdin-filename", "trustlayer/new.py", "-"],
        input=banned,
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert found.stdout.count("TID251") == 2


def test_importing_trustlayer_loads_nothing_heavy() -> None:
    program = (
        "import sys; before = set(sys.modules); import trustlayer;"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {"torch", "transformers", "sentence_transformers", "langchain_core", "sqlalchemy"}
    heavy |= {"numpy", "onnxruntime", "tokenizers", "typer", "rich", "guardrails", "scipy"}
    assert heavy & set(loaded) == set()
