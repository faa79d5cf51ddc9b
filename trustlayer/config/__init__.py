"""Configuration: one ``trustlayer.toml`` makes the same `Verifier` wherever it is read.

`load(file)` gives the verifier, `read(file)` what the file says, with lines for every error.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trustlayer.config.problems import BadConfig, Problem

# What follows is imported where it is used: the command line does not wait for it.
if TYPE_CHECKING:
    from trustlayer.audit.texts import Texts
    from trustlayer.config.reading import Config
    from trustlayer.verifier import Verifier

__all__ = [
    "FILE",
    "BadConfig",
    "Problem",
    "found",
    "json_schema",
    "load",
    "read",
    "store_url",
    "texts",
    "verifier",
]

FILE = "trustlayer.toml"


def load(file: str | Path = FILE, environ: Mapping[str, str] = os.environ) -> Verifier:
    """The verifier that *file* describes, its audit store open; raises BadConfig, Unreadable.

    Keys are looked up in *environ*. Whoever loads it closes the store.
    """
    from trustlayer.config.storing import opened

    config = read(file)
    made, url = verifier(config, environ), store_url(config, environ)
    return made if url is None else replace(made, store=opened(url, texts(config, environ)))


def found(folder: Path | None = None) -> Path | None:
    """The ``trustlayer.toml`` in *folder*, the working directory by default, if there is one."""
    file = Path(FILE) if folder is None else folder / FILE
    return file if file.is_file() else None


def read(file: str | Path = FILE) -> Config:
    """Read *file*; raises BadConfig with everything that is wrong with it, or Unreadable."""
    from trustlayer.config import reading

    return reading.read(file)


def verifier(
    config: Config, environ: Mapping[str, str] = os.environ, *, asking: bool = True
) -> Verifier:
    """The verifier of *config* without its store; raises BadConfig for what is not to be had.

    One that only examines what is given, not *asking*, has no models and needs no keys.
    """
    from trustlayer.config.building import Building

    return Building(config, environ).verifier(asking=asking)


def store_url(config: Config, environ: Mapping[str, str] = os.environ) -> str | None:
    """Where *config* wants outcomes kept: an URL that may hold a password, or None."""
    from trustlayer.config.building import Building

    return Building(config, environ).store_url()


def texts(config: Config, environ: Mapping[str, str] = os.environ) -> Texts | None:
    """What *config* wants its store to keep of texts; None where the environment is to say it."""
    from trustlayer.config.building import Building

    return Building(config, environ).texts()


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the file, for editors that complete and underline."""
    from trustlayer.config import schema

    return schema.json_schema()
