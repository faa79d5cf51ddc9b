"""Configuration: one ``trustlayer.toml`` makes the same `Verifier` wherever it is read.

`load(file)` gives the verifier, `read(file)` what the file says, with lines for every error.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from trustlayer.config.problems import BadConfig, Problem
from trustlayer.config.reading import FILE, Config, found, read
from trustlayer.config.schema import json_schema

if TYPE_CHECKING:
    from trustlayer.verifier import Verifier

__all__ = [
    "FILE",
    "BadConfig",
    "Config",
    "Problem",
    "found",
    "json_schema",
    "load",
    "read",
    "store_url",
    "verifier",
]


def load(file: str | Path = FILE, environ: Mapping[str, str] = os.environ) -> Verifier:
    """The verifier that *file* describes, its audit store open; raises BadConfig, Unreadable.

    Keys are looked up in *environ*. Whoever loads it closes the store.
    """
    from trustlayer.config.building import opened

    config = read(file)
    made, url = verifier(config, environ), store_url(config, environ)
    return made if url is None else replace(made, store=opened(url))


def verifier(config: Config, environ: Mapping[str, str] = os.environ) -> Verifier:
    """The verifier of *config* without its store; raises BadConfig for what is not to be had."""
    from trustlayer.config.building import Building

    return Building(config, environ).verifier()


def store_url(config: Config, environ: Mapping[str, str] = os.environ) -> str | None:
    """Where *config* wants outcomes kept: an URL that may hold a password, or None."""
    from trustlayer.config.building import Building

    return Building(config, environ).store_url()
