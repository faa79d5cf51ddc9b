"""The tables and keys of a ``trustlayer.toml``, and the JSON Schema of them for editors."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Risk = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Name = Annotated[str, Field(min_length=1)]
Strategies = Literal["revise", "repair", "retry", "abstain"]


class Table(BaseModel):
    """Any table: no key but those named, no value turned into another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class DetectorTable(Table):
    """A detector, by the name under which it is installed."""

    limit: Risk | None = Field(default=None, description="The risk up to which an answer is sound.")
    options: dict[str, Any] = Field(
        default_factory=dict[str, Any], description="What the detector is made with."
    )


class PriceTable(Table):
    """The price of a million tokens, in a currency of your own."""

    tokens_in: Amount
    tokens_out: Amount


class ModelTable(Table):
    """A rung of the ladder: a model that is asked when the one before it has failed."""

    model: Name = Field(
        description='Its name at the url; without one, as LangChain has it: "openai:NAME".'
    )
    name: Name | None = Field(
        default=None, description="The name in the audit store; `model` by default."
    )
    url: Name | None = Field(
        default=None, description="An OpenAI-compatible service, up to /v1: no /chat/completions."
    )
    key_env: Name | None = Field(
        default=None, description="The environment variable that holds the key."
    )
    price: PriceTable | None = None
    timeout: Positive = Field(default=60.0, description="Seconds without a word from the service.")
    options: dict[str, Any] = Field(
        default_factory=dict[str, Any], description="Sent with every request: temperature, ..."
    )


class PolicyTable(Table):
    """What is done about the findings; see `trustlayer.Policy`."""

    limit: Risk | None = Field(default=None, description="One limit for all detectors.")
    revisions: Annotated[int, Field(ge=0)] = 1
    strategies: Annotated[list[Strategies], Field(min_length=1)] = ["revise"]
    otherwise: Literal["hold", "refuse"] = "hold"
    tolerated: list[str] = Field(
        default_factory=list[str],
        description="Detectors, and kinds of content like tool_call, that may stay unexamined.",
    )
    cascade: bool = False
    clear: dict[str, Risk] = Field(default_factory=dict[str, Risk])


class BudgetTable(Table):
    """The most that one run may spend."""

    money: Positive | None = None
    tokens: Count | None = None
    seconds: Positive | None = None
    attempts: Count | None = None


class SamplingTable(Table):
    """Further answers to the same question, for the detectors that live on them."""

    count: Count = 5
    clear: Risk = 0.25
    serves: list[str] | None = None
    models: list[str] = Field(
        default_factory=list[str], description="Names of [[models]] to ask; else the same again."
    )


class ThriftTable(Table):
    """Escalation where it is worth its price: the mean cost of a run that is aimed at."""

    budget: Positive


class CertificateTable(Table):
    """Limits that were certified by ``trustlayer calibrate``."""

    file: Name = Field(description="Relative to this file.")
    group: str = ""
    alarms: bool = False


class StoreTable(Table):
    """The audit store."""

    url: Name | None = Field(default=None, description="An SQLAlchemy URL without a password.")
    url_env: Name | None = Field(
        default=None, description="The environment variable that holds the URL."
    )
    texts: Literal["full", "redacted", "hmac"] | None = Field(
        default=None, description="What is kept of texts; TRUSTLAYER_TEXTS says it by default."
    )
    hmac_key_env: Name = Field(
        default="TRUSTLAYER_HMAC_KEY", description="The variable with the key for texts as HMAC."
    )


class Document(Table):
    """The whole file."""

    detectors: Annotated[dict[str, DetectorTable], Field(min_length=1)] = Field(
        description="[detectors.NAME], asked in this order."
    )
    models: list[ModelTable] = Field(default_factory=list[ModelTable])
    policy: PolicyTable = PolicyTable()
    budget: BudgetTable = BudgetTable()
    sampling: SamplingTable | None = None
    thrift: ThriftTable | None = None
    certificate: CertificateTable | None = None
    store: StoreTable = StoreTable()
    timeout: Positive = Field(
        default=60.0, description="What a detector is granted, seconds an answer."
    )
    concurrency: Count = 16


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the file, for editors that complete and underline."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Document.model_json_schema(),
        "title": "trustlayer.toml",
    }
