"""Models by the names that LangChain knows them by, for configuration files."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from trustlayer import Model, Price, TrustlayerError
from trustlayer.errors import MissingExtra
from trustlayer_langchain.models import model as model_of


class UnknownModel(TrustlayerError):
    """LangChain knows no model by that name, or cannot make it."""


def named(
    model: str,
    *,
    name: str | None = None,
    price: Price | None = None,
    key: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Model:
    """The model that ``init_chat_model(model)`` makes; raises MissingExtra and UnknownModel."""
    secret = {} if key is None else {"api_key": key}
    try:
        chat_model = _init()(model, **secret, **(options or {}))
    except ImportError as error:
        missing = MissingExtra(f"the model {model!r} needs a package: {error}")
        missing.add_note(f"install it: pip install langchain-{model.partition(':')[0]}")
        raise missing from error
    except Exception as error:  # of the package of any provider
        raise UnknownModel(f"LangChain cannot make the model {model!r}: {error}") from error
    return model_of(chat_model, name, price)


def _init() -> Any:
    try:
        return import_module("langchain.chat_models").init_chat_model
    except ImportError as error:
        missing = MissingExtra("models by their LangChain names need an extra: langchain")
        missing.add_note("pip install 'trustlayer[langchain]'")
        raise missing from error
