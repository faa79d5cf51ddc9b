"""What REST takes and gives, as OpenAPI describes it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from trustlayer.policy import Action

Pair = Annotated[list[int], Field(min_length=2, max_length=2)]  # start and end, in characters
Risk = Annotated[float, Field(ge=0.0, le=1.0)]


class Given(BaseModel):
    """What a client sends: a field that nobody knows is an error, not ignored."""

    model_config = ConfigDict(extra="forbid")


class Verify(Given):
    """A given answer to be examined."""

    prompt: str = Field("", description="What was asked.")
    answer: str = Field(min_length=1, description="What was answered.")
    context: list[str] = Field([], max_length=1000, description="Passages that it may rest on.")
    samples: list[str] = Field([], max_length=100, description="Further answers to the prompt.")
    correlation: dict[str, str] = Field(
        {}, max_length=20, description="Your own ids, by name: found again by `trustlayer show`."
    )


class Decide(Given):
    """A reviewer's decision on a held answer; `answer` is the corrected text of an edit."""

    decision: Literal["approve", "edit", "reject"]
    answer: str | None = Field(None, description="Needed for an edit, refused for others.")
    reason: str = Field("", max_length=2000)
    spans: list[Pair] | None = Field(
        None, max_length=1000, description="The bad stretches, in characters, if you looked where."
    )


class Say(Given):
    """A person's word on one answer; `attempt` counts from 0."""

    attempt: int = Field(ge=0, le=1_000_000)
    bad: bool
    reason: str = Field("", max_length=2000)
    spans: list[Pair] | None = Field(
        None, max_length=1000, description="The bad stretches, in characters, if you looked where."
    )


class Detected(BaseModel):
    """A detector that stood ready, and its limit."""

    name: str
    version: str
    options: str
    limit: float | None


class Examined(BaseModel):
    """What was found in one answer.

    A finding has `risk` and `evidence` (a reason each, with `start` and `end` where it points
    to a stretch), or `unexamined`: why the detector could say nothing.
    """

    action: Action
    risk: Risk
    answer: str
    findings: dict[str, dict[str, Any]]


class Attempted(BaseModel):
    """One try at an answer."""

    model: str | None
    action: Action
    kept: bool
    error: str | None
    advice: str
    seconds_asking: float
    seconds_examining: dict[str, float]
    tokens_in: int | None
    tokens_out: int | None
    cost: float | None
    verdict: Examined | None


class Recorded(BaseModel):
    """An outcome: every attempt of one run, and what was decided in the end."""

    id: str
    started: datetime
    seconds: float
    action: Action
    answer: str | None = Field(description="Only an accepted answer may be handed out.")
    prompt: str
    context: list[str]
    policy: str
    detectors: list[Detected]
    correlation: dict[str, str]
    errors: list[str]
    attempts: list[Attempted]


class Line(BaseModel):
    """An outcome on one line."""

    id: str
    started: datetime
    action: Action
    attempts: int
    model: str | None
    risk: float | None
    prompt: str


class Lines(BaseModel):
    """A page of outcomes; `after` is the cursor of the next page, null at the end."""

    outcomes: list[Line]
    after: str | None
    reached: datetime | None = Field(
        None, description="How far back this page looked, where it ended before it was full."
    )


class Said(BaseModel):
    """A recorded label."""

    who: str
    attempt: int
    bad: bool
    reason: str
    spans: list[Pair] | None


class Report(BaseModel):
    """The rows of one report."""

    name: str
    scope: dict[str, Any]
    rows: list[dict[str, Any]]


class Names(BaseModel):
    """Which reports there are."""

    reports: list[str]


class Claimed(BaseModel):
    """Who looks at a held answer, and until when."""

    who: str
    expires: datetime


class Held(BaseModel):
    """A held answer that waits."""

    outcome: Line
    claim: Claimed | None


class Queue(BaseModel):
    """A page of the queue; `after` is the cursor of the next page, null at the end."""

    waiting: list[Held]
    after: str | None


class Decided(BaseModel):
    """A decision; `answer` is what may be handed out, null where that is nothing."""

    outcome: str
    attempt: int
    decision: Literal["approve", "edit", "reject"]
    who: str
    answer: str | None
    reason: str
    recorded: datetime


class Told(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[dict[str, str]] | None = None


def problem_of(words: str) -> dict[str, Any]:
    """The response of OpenAPI that tells of a problem."""
    schema = {"$ref": "#/components/schemas/Told"}
    content = {"application/problem+json": {"schema": schema}}
    return {"description": words, "model": Told, "content": content}
