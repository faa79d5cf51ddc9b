"""A proxy before PostgreSQL, whose connections can be cut, for real."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path
from threading import Lock, Thread

NAME = ".s.PGSQL.5432"


class Proxy:
    """Listens to a socket in *folder* and passes on what it hears to the one in *server*."""

    def __init__(self, folder: Path, server: Path) -> None:
        self.folder = folder
        self._server = server
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self._lock = Lock()

    def start(self) -> None:
        """Let connections through."""
        path = self.folder / NAME
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen(64)
        os.chmod(path, 0o777)
        self._listener = listener
        Thread(target=self._accept, args=[listener], daemon=True).start()

    def cut(self) -> None:
        """Break all connections, between any two bytes; new ones are still let through."""
        with self._lock:
            for end in self._open:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            self._open.clear()

    def stop(self) -> None:
        """Break all connections, and refuse new ones."""
        if self._listener is not None:
            (self.folder / NAME).unlink(missing_ok=True)
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self.cut()

    def _accept(self, listener: socket.socket) -> None:
        while self._listener is listener:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server, suppress(OSError):
            server.connect(str(self._server / NAME))
            with self._lock:
                self._open |= {client, server}
            back = Thread(target=_pass, args=[server, client], daemon=True)
            back.start()
            _pass(client, server)
            back.join()
            with self._lock:
                self._open -= {client, server}


def _pass(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
