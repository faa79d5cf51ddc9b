"""Where anchors go: to the end of a file, or to a URL of the user's."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from email.message import Message
from http.client import HTTPResponse
from ipaddress import ip_address
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from trustlayer.errors import NotSent, Unreadable

TIMEOUT = 30.0  # seconds that a receiver has


def last_line(path: Path) -> str:
    """The last line of the file, empty where there is none; raises Unreadable."""
    try:
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"{path} cannot be read: {error}") from error
    return next((line for line in reversed(lines) if line.strip()), "")


def append_line(path: Path, line: str) -> None:
    """Add *line* to the end of the file, on the disk when this returns; raises Unreadable."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        with os.fdopen(file, "ab") as opened:
            opened.write(line.encode() + b"\n")
            opened.flush()
            os.fsync(opened.fileno())
    except OSError as error:
        raise Unreadable(f"{path} cannot be written: {error.strerror}") from error


def expect_safe(url: str) -> None:
    """Raise NotSent unless *url* is https, or http to this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError as error:
        raise NotSent(f"this is not a URL: {url!r}") from error
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and _local(host))):
        refused = NotSent(f"anchors are sent by https, or to this machine; got {_shown(url)}")
        refused.add_note("name a URL such as https://HOST/anchors")
        raise refused


def post(url: str, line: str, timeout: float = TIMEOUT) -> int:
    """POST *line* as JSON; the status, 200 to 299. Raises NotSent for anything else.

    A redirection is not followed: an anchor goes where the user said, or nowhere.
    """
    expect_safe(url)
    request = urllib.request.Request(  # the scheme is one of two, see above
        url, line.encode(), {"Content-Type": "application/json"}, method="POST"
    )
    opener = urllib.request.build_opener(_NoRedirection)
    try:
        with opener.open(request, timeout=timeout) as response:
            assert isinstance(response, HTTPResponse)
            return response.status
    except urllib.error.HTTPError as error:
        with error:
            raise NotSent(f"{_shown(url)} answered {error.code} {error.reason}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise NotSent(f"{_shown(url)} cannot be reached: {reason}") from error


class _NoRedirection(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> None:
        return None


def _local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _shown(url: str) -> str:
    # Without what may be secret: a user's name, a password, a token in the query.
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
