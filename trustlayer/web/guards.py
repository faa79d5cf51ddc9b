"""What stands before the pages: who may ask here, how much, how often and for how long.

Each is an ASGI application around another one.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trustlayer.web.problems import Problem
from trustlayer.web.rates import Rates

Refusal = Callable[[Scope, Problem], Response]

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_NAME = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::[0-9]{1,5})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Armoured:
    """Adds the headers that keep a browser from doing what a page never asks for."""

    app: ASGIApp
    secure: bool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if self.secure:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
            await send(message)

        await self.app(scope, receive, add)


@dataclass(frozen=True, slots=True)
class Addressed:
    """Refuses what is addressed to a name that is not ours: another site's page, rebound."""

    app: ASGIApp
    hosts: frozenset[str]
    refusal: Refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._ours(Headers(scope=scope).getlist("host")):
            known = ", ".join(sorted(self.hosts))
            problem = Problem(
                421, f"the Host of the request is none of this desk's: {known}; add --allow-host"
            )
            await self.refusal(scope, problem)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _ours(self, hosts: list[str]) -> bool:
        found = _NAME.fullmatch(hosts[0].lower()) if len(hosts) == 1 else None
        return found is not None and found[1].rstrip(".") in self.hosts


@dataclass(frozen=True, slots=True)
class Paced:
    """Refuses a client that comes too often."""

    app: ASGIApp
    rates: Rates
    refusal: Refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (wait := self.rates.take(client_of(scope))):
            pace = f"{self.rates.rate:g} requests a second, {self.rates.burst} at once"
            problem = Problem(429, f"too many requests from your address: {pace}", after=wait)
            await self.refusal(scope, problem)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def client_of(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


@dataclass(frozen=True, slots=True)
class Bounded:
    """Reads a request whole, up to *most* bytes, and waits *patience* seconds for all of it."""

    app: ASGIApp
    most: int
    patience: float
    refusal: Refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def note(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            async with asyncio.timeout(self.patience):
                await self._serve(scope, receive, note)
        except TimeoutError:
            if begun:
                raise
            waited = f"not done within {self.patience:g} s; what was begun may still be finished"
            problem = Problem(503, waited, after=self.patience)
            await self.refusal(scope, problem)(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await self._body(scope, receive)
        if body is None:
            problem = Problem(413, f"the request is longer than {self.most} bytes", most=self.most)
            await self.refusal(scope, problem)(scope, receive, send)
            return
        given = iter([body])

        async def again() -> Message:
            part = next(given, None)
            if part is None:
                return await receive()  # until the client goes away
            return {"type": "http.request", "body": part, "more_body": False}

        await self.app(scope, again, send)

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        length = Headers(scope=scope).get("content-length", "0")
        if length.isdigit() and int(length) > self.most:
            return None
        parts: list[bytes] = []
        size, more = 0, True
        while more:
            message = await receive()
            part: bytes = message.get("body", b"")
            size, more = size + len(part), message.get("more_body", False)
            if size > self.most:
                return None
            parts.append(part)
        return b"".join(parts)
