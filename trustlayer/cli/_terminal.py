"""What a terminal is shown: nothing that it would act upon, and errors without a traceback."""

from __future__ import annotations

import errno
import io
import os
import re
import sys
from functools import cache
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.text import Text
from typer.core import TyperGroup

from trustlayer.errors import TrustlayerError

OK, FAILED, USAGE, NOT_ACCEPTED = 0, 1, 2, 3

# Control characters but for tab and newline, marks that turn the direction of text, and
# surrogates that no encoding knows.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


class Commands(TyperGroup):
    """A group of commands whose foreseen errors are one clear message and exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _leave_quietly()
        except (TrustlayerError, OSError) as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                _leave_quietly()
            tell(error)
            raise typer.Exit(FAILED) from error


def prepare() -> None:
    """Have what the terminal's encoding lacks spelled out rather than raise an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@cache
def out() -> Console:
    return Console(highlight=False)


@cache
def err() -> Console:
    # One for all: what is told while a progress bar is shown must go through its console.
    return Console(stderr=True, highlight=False)


def visible(text: str) -> str:
    r"""The *text* with every character spelled out that a terminal would act upon: ``\x1b``."""
    return _UNSEEN.sub(_spelled, text.replace("\r\n", "\n"))


def tell(error: BaseException, label: str = "error", style: str = "bold red") -> None:
    """Show an error, and its notes beneath it, on stderr."""
    say(described(error), label, style)
    for note in getattr(error, "__notes__", ()):
        hint(note)


def hint(note: str) -> None:
    """Show what belongs to the message before, on stderr."""
    err().print(Text("  " + visible(note), style="dim"), soft_wrap=True)


def say(message: str, label: str, style: str = "bold yellow") -> None:
    """Show one message on stderr."""
    text = Text.assemble((f"{label}: ", style), visible(message))
    err().print(text, soft_wrap=True)


def described(error: BaseException) -> str:
    """The error's message in one line or more, also where the error itself gives none."""
    if isinstance(error, OSError) and error.strerror:
        where = f"{os.fsdecode(error.filename)}: " if error.filename is not None else ""
        return f"{where}{error.strerror}"
    return str(error) or type(error).__name__


def examples(*lines: str, codes: str, **sections: str) -> str:
    """What stands below the help of a command: examples, further sections, exit codes.

    *codes* are separated by semicolons.
    """
    paragraphs = ["[bold]Examples[/bold]", *(f"$ {escape(line)}" for line in lines)]
    for title, text in sections.items():
        paragraphs += [f" \n\n[bold]{title}[/bold]", *map(escape, text.split("\n"))]
    paragraphs += [" \n\n[bold]Exit codes[/bold]", *map(escape, codes.split("; "))]
    return "\n\n".join(paragraphs)


def _spelled(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _leave_quietly() -> NoReturn:
    # Whoever read our output has gone; at its end Python would flush into the closed pipe.
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    raise typer.Exit(FAILED)
