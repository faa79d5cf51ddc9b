"""The models that a configuration names: services with an URL, and those that LangChain knows."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Protocol, cast

from trustlayer.config.schema import ModelTable
from trustlayer.errors import MissingExtra
from trustlayer.model import Model, Price

GROUP = "trustlayer.models"  # what makes a model of a table without a url


class Maker(Protocol):
    """What an integration offers under the entry point ``langchain``."""

    def __call__(
        self,
        model: str,
        *,
        name: str,
        price: Price | None,
        key: str | None,
        options: dict[str, object],
    ) -> Model: ...


def made(table: ModelTable, key: str | None) -> Model:
    """The model of *table*; nothing is asked of anybody yet. Raises MissingExtra."""
    price = None if table.price is None else Price(**table.price.model_dump())
    name = table.name or table.model
    if table.url is None:
        return _maker()(table.model, name=name, price=price, key=key, options=dict(table.options))
    from trustlayer.config.endpoint import Endpoint  # httpx takes its time

    endpoint = Endpoint(table.url, table.model, key, table.timeout, dict(table.options))
    return Model(name, endpoint.ask, price, endpoint.stream)


def _maker() -> Maker:
    found = entry_points(group=GROUP, name="langchain")
    for entry in found:
        return cast(Maker, entry.load())
    error = MissingExtra("no installed package makes models by their LangChain names")
    error.add_note("pip install --force-reinstall trustlayer, or name the service: url = '...'")
    raise error
