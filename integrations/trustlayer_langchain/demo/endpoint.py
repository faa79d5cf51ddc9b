"""A real cloud in place of the scripted one, where the environment names an endpoint."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module

from langchain_core.language_models import BaseChatModel

from trustlayer.errors import MissingExtra

SMALL, LARGE = "gpt-4o-mini", "gpt-4o"


def configured(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether an OpenAI-compatible endpoint is named: by its key, or by its address."""
    return bool(environ.get("OPENAI_API_KEY") or environ.get("OPENAI_BASE_URL"))


def clouds(
    small: str = SMALL, large: str = LARGE, environ: Mapping[str, str] = os.environ
) -> tuple[BaseChatModel, BaseChatModel]:
    """The models of those names at the endpoint; raises MissingExtra."""
    try:
        chat = import_module("langchain_openai").ChatOpenAI
    except ImportError as error:
        told = f"an OpenAI endpoint is configured, but langchain-openai does not import: {error}"
        missing = MissingExtra(told)
        missing.add_note("install it: pip install --upgrade 'trustlayer[openai]'")
        missing.add_note("or take the scripted models: trustlayer demo --scripted")
        raise missing from error
    # A local endpoint asks for no key, but the client does.
    key = environ.get("OPENAI_API_KEY") or "none"
    return chat(model=small, api_key=key), chat(model=large, api_key=key)
