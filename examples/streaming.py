"""A streamed answer: stopped at the first wrong sentence, then gone on with from there."""

from collections.abc import Iterator

from trustlayer import Model, Request, Verifier, load

PASSAGE = "Skarvholm Light is 43 metres tall and was first lit in 1874. It has 186 steps."


def words(request: Request) -> Iterator[str]:
    """Stands for a cloud model: it errs in its second sentence, unless it is told so."""
    text = "It has 186 steps." if request.prefix else "It is 43 metres tall. It has 250 steps. So."
    yield from (f"{word} " for word in text.split())


def whole(request: Request) -> str:
    return "".join(words(request))


verifier = Verifier([load("figures")], models=[Model("cloud", whole, stream=words)])
stream = verifier.stream("What is Skarvholm Light like?", [PASSAGE])
for text in stream:
    print("shown:", text.strip())
assert stream.outcome is not None
for attempt in stream.outcome.attempts:
    assert attempt.verdict is not None
    print(f"{attempt.action}: {attempt.verdict.exchange.answer.strip()}")
