"""Recorded answers with human labels, and models that give them again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from trustlayer.batches import BATCH
from trustlayer.examination import examine
from trustlayer.exchange import Exchange
from trustlayer.finding import Detector, Finding, Unexamined
from trustlayer.jsonl import Fields, parse_object
from trustlayer.model import Model, Price, Reply, Request
from trustlayer.replay import responses

CHARACTERS_A_TOKEN = 4  # where a recording does not count its tokens

# US dollars a million tokens, read and written, as listed in 2023 and 2024: GPT by its maker,
# the open models by hosts of theirs. Prices change: state your own where they matter.
PRICES = {
    "gpt-4-0613": Price(30.0, 60.0),
    "gpt-3.5-turbo-0613": Price(1.5, 2.0),
    "llama-2-70b-chat": Price(0.64, 0.8),
    "llama-2-13b-chat": Price(0.22, 0.22),
    "llama-2-7b-chat": Price(0.13, 0.13),
    "mistral-7B-instruct": Price(0.13, 0.13),
}

# The cheapest, the dearest, and between them one that costs a tenth or less of the dearest.
LADDER = ("llama-2-7b-chat", "gpt-3.5-turbo-0613", "gpt-4-0613")


@dataclass(frozen=True, slots=True)
class Recorded:
    """One model's answer; *bad* is what people said of it."""

    text: str
    bad: bool


@dataclass(frozen=True, slots=True)
class Question:
    """A question and its passages, with the answers by model."""

    id: str
    prompt: str
    context: tuple[str, ...]
    answers: Mapping[str, Recorded]

    def exchange(self, model: str) -> Exchange:
        return Exchange(self.prompt, self.answers[model].text, self.context)

    def tokens(self, model: str) -> tuple[int, int]:
        """The tokens read and written for that answer, by its length."""
        read = len(self.prompt) + sum(map(len, self.context))
        return _tokens(read), _tokens(len(self.answers[model].text))

    def cost(self, model: str, price: Price) -> float:
        read, written = self.tokens(model)
        return (price.tokens_in * read + price.tokens_out * written) / 1e6


def parse_question(raw: bytes | str, number: int) -> Question:
    """One row; answers whose model is not named are left out. Raises BadLine."""
    row = Fields(number, parse_object(raw, number))
    answers = {
        response.text("model"): Recorded(response.text("text"), _bad(response))
        for response in responses(row)
        if response.values.get("model") is not None
    }
    context = row.text("context", "")
    passages = (context,) if context.strip() else ()
    return Question(row.text("source_id"), row.text("question"), passages, answers)


def complete(questions: Iterable[Question], models: Iterable[str]) -> list[Question]:
    """The questions to which every one of *models* has an answer."""
    names = set(models)
    return [question for question in questions if names <= set(question.answers)]


@dataclass(frozen=True, slots=True)
class Rung:
    """Models that answer in turn: the first, then one for each revision."""

    names: tuple[str, ...]
    prices: Mapping[str, Price]

    def model(self, questions: Sequence[Question]) -> Model:
        """A model that gives the recorded answers to *questions*."""
        known = {(q.prompt, q.context): q for q in questions}
        given: dict[str, int] = {}

        def ask(request: Request) -> Reply:
            question = known[request.prompt, request.context]
            turn = given.get(question.id, -1) + 1 if request.advice else 0
            given[question.id] = turn
            if turn == len(self.names):
                raise LookupError("no further answer is recorded")
            return self._reply(question, self.names[turn])

        return Model(self.names[0], ask, self.prices[self.names[0]])

    def _reply(self, question: Question, name: str) -> Reply:
        read, written = question.tokens(name)
        cost = question.cost(name, self.prices[name])
        text = question.answers[name].text
        return Reply(text, tokens_in=read, tokens_out=written, cost=cost, model=name)


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a detector found in recorded answers, so that many replays need one examination."""

    name: str
    version: str
    limit: float | None
    found: Mapping[Exchange, Finding | Unexamined] = field(repr=False)

    def examine(self, exchanges: Sequence[Exchange], /) -> list[Finding | Unexamined]:
        return [self.found[exchange] for exchange in exchanges]


def remembered(detector: Detector, exchanges: Sequence[Exchange]) -> Remembered:
    """Have *detector* examine *exchanges* now."""
    found: dict[Exchange, Finding | Unexamined] = {}
    for at in range(0, len(exchanges), BATCH):
        batch = exchanges[at : at + BATCH]
        for exchange, said in zip(batch, examine([detector], batch), strict=True):
            found[exchange] = said.findings.get(detector.name) or said.unexamined[0]
    version = str(getattr(detector, "version", "0"))
    limit: float | None = getattr(detector, "limit", None)
    return Remembered(detector.name, version, limit, found)


def _tokens(characters: int) -> int:
    return -(-characters // CHARACTERS_A_TOKEN)


def _bad(response: Fields) -> bool:
    label = response.values.get("hallucinated")
    if isinstance(label, bool) or label not in (0, 1):
        response.refuse("hallucinated", label, "1 for a hallucinated answer, 0 for a clean one")
    return label == 1
