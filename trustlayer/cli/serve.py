"""``trustlayer serve``: the review desk and REST, on this machine unless told otherwise."""

from __future__ import annotations

import getpass
import ipaddress
import os
import re
import socket
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from trustlayer.cli._options import DEFAULT_DB, ConfigFile, Database, DetectorNames, option
from trustlayer.cli._store import for_recording, shown
from trustlayer.cli._terminal import examples, say
from trustlayer.cli.verify import texts_in_force, verifier_in_force
from trustlayer.errors import TrustlayerError
from trustlayer.verifier import Verifier

if TYPE_CHECKING:
    from trustlayer.audit import AuditStore
    from trustlayer.web import Reviewers, Settings

EPILOG = examples(
    "trustlayer serve",
    "trustlayer serve --db postgresql://audit@db/trust --reviewers reviewers.txt",
    "trustlayer serve --host 0.0.0.0 --public-url https://desk.example.org",
    'curl -H "Authorization: Bearer $TRUSTLAYER_TOKEN" http://127.0.0.1:8765/api/outcomes',
    codes="0 stopped; 1 could not run; 2 wrong usage; 130 interrupted",
)
TOKEN = "TRUSTLAYER_TOKEN"
_DETECTOR_SECONDS = 30.0


def serve(
    host: Annotated[str, option(metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, option(min=0, max=65535, help="0 takes a free one.")] = 8765,
    reviewers: Annotated[
        Path | None,
        option(metavar="FILE", help="Who may enter; made by: trustlayer reviewer add."),
    ] = None,
    token_file: Annotated[
        Path | None, option(metavar="FILE", help="The token, for a desk of one reviewer.")
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        option(metavar="NAME", help="A name that browsers may call the desk by; repeatable."),
    ] = None,
    public_url: Annotated[
        str | None,
        option(metavar="URL", help="The https address of a proxy in front of the desk."),
    ] = None,
    tls_cert: Annotated[Path | None, option(metavar="FILE", help="Serve https.")] = None,
    tls_key: Annotated[Path | None, option(metavar="FILE", help="The key to it.")] = None,
    max_body: Annotated[
        int, option(min=1000, metavar="BYTES", help="The longest request.")
    ] = 2_000_000,
    rate: Annotated[
        float, option(min=0.1, metavar="REQUESTS", help="A second, from one address.")
    ] = 50.0,
    detector: DetectorNames = None,
    config: ConfigFile = None,
    db: Database = DEFAULT_DB,
) -> None:
    """Serve the review desk, and REST for the same, until interrupted.

    Unless there is a file of reviewers, the token is the one in TRUSTLAYER_TOKEN or in
    --token-file, or else a new one, printed once.
    """
    import trustlayer.web as web

    settings = _settings(web.Settings(body=max_body, rate=rate), host, allow_host, public_url)
    if (tls_cert is None) != (tls_key is None):
        raise typer.BadParameter("give --tls-cert and --tls-key together")
    settings = replace(settings, secure=settings.secure or tls_cert is not None)
    known, token = _known(reviewers, token_file)
    with for_recording(db, texts_in_force(config)) as store, _listening(host, port) as listener:
        desk = web.Desk(store, known, lambda: _verifier(store, config, detector), settings)
        _announce(listener, settings, token, db)
        _run(web.application(desk), listener, public_url is not None, tls_cert, tls_key)


def _settings(
    settings: Settings, host: str, allowed: list[str] | None, public_url: str | None
) -> Settings:
    hosts = set(settings.hosts) | {name.lower() for name in allowed or ()}
    if not _loopback(host) and host not in ("0.0.0.0", "::"):
        hosts.add(f"[{host}]" if ":" in host else host.lower())
    if public_url is not None:
        parts = urlsplit(public_url)
        if parts.scheme != "https" or not parts.hostname:
            raise typer.BadParameter(f"--public-url {public_url}: expected https://NAME")
        hosts.add(parts.hostname.lower())
    if host in ("0.0.0.0", "::") and hosts == set(settings.hosts):
        raise typer.BadParameter(
            f"--host {host}: name what browsers call it, --allow-host NAME or --public-url URL"
        )
    return replace(settings, hosts=frozenset(hosts), secure=public_url is not None)


def _known(file: Path | None, token_file: Path | None) -> tuple[Reviewers, str | None]:
    """Who may enter, and the token that was made up for the only one."""
    from trustlayer.web.reviewers import Reviewer, Reviewers, new_token, readable_by_others

    if file is not None:
        if token_file is not None:
            raise typer.BadParameter("give --reviewers or --token-file, not both")
        found = Reviewers(file=file)
        if not found.known():
            nobody = TrustlayerError(f"{file} names no reviewer")
            nobody.add_note(f"add one: trustlayer reviewer add NAME --file {file}")
            raise nobody
        if readable_by_others(file):
            say(f"{file} can be read by others: chmod 600 {file}", "warning")
        return found, None
    given = token_file.read_text("utf-8").strip() if token_file else os.environ.get(TOKEN, "")
    token = given or new_token()
    try:
        return Reviewers([Reviewer.with_token(_name(), token)]), None if given else token
    except ValueError as error:
        raise typer.BadParameter(f"{token_file or TOKEN}: {error}") from error


def _name() -> str:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        name = ""
    return re.sub(r"[^\w.@+-]", "", name)[:64] or "reviewer"


def _verifier(store: AuditStore, config: str | None, names: list[str] | None) -> Verifier:
    made = verifier_in_force(config, names, None)
    return replace(made, store=store, timeout=made.timeout or _DETECTOR_SECONDS)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        error.filename = f"{host}:{port}"
        error.add_note("name another port: --port 0 takes a free one")
        raise


def _announce(listener: socket.socket, settings: Settings, token: str | None, db: str) -> None:
    host, port = listener.getsockname()[:2]
    address = f"[{host}]" if ":" in host else host
    scheme = "https" if settings.secure else "http"
    typer.echo(f"the review desk is at {scheme}://{address}:{port}/ (store: {shown(db)})")
    if token is not None:
        typer.echo(f"token of {_name()}, shown this once: {token}")
    if not _loopback(host):
        names = ", ".join(sorted(settings.hosts))
        say(f"OPEN TO OTHER MACHINES: listening on {address}, called {names}", "warning")
        if not settings.secure:
            say("tokens travel unencrypted: give --tls-cert and --tls-key", "warning")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _run(
    app: object, listener: socket.socket, proxied: bool, cert: Path | None, key: Path | None
) -> None:
    import uvicorn

    config = uvicorn.Config(
        app,  # type: ignore[arg-type]  # an ASGI application
        log_config=None,
        access_log=False,  # it would show what was searched for
        server_header=False,
        proxy_headers=proxied,  # else anybody could name any address as the client's
        lifespan="off",
        ws="none",
        limit_concurrency=500,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=5,
        ssl_certfile=cert,
        ssl_keyfile=None if key is None else str(key),
    )
    uvicorn.Server(config).run(sockets=[listener])
