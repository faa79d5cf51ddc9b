"""Many questions at the same time: each round of answers is examined in one call."""

import asyncio

from trustlayer import Model, Reply, Request, Verifier, load

HEIGHTS = {"Skarvholm": 43, "Terneset": 28, "Lomvik": 31}


async def small(request: Request) -> Reply:
    """Stands for a cheap model that is right about one light of three."""
    await asyncio.sleep(0.01)
    return Reply("It is 43 metres tall.", tokens_in=40, tokens_out=7)


async def large(request: Request) -> Reply:
    """Stands for a dear one that reads its passage."""
    await asyncio.sleep(0.02)
    height = request.context[0].split()[3]
    return Reply(f"It is {height} metres tall.", tokens_in=40, tokens_out=7)


async def main() -> None:
    verifier = Verifier([load("figures")], models=[Model("small", small), Model("large", large)])
    requests = [
        Request(f"How tall is {name}?", (f"{name} Light is {height} metres tall.",))
        for name, height in HEIGHTS.items()
    ]
    for request, outcome in zip(requests, await verifier.arun_all(requests), strict=True):
        path = " > ".join(f"{attempt.model}: {attempt.action}" for attempt in outcome.attempts)
        print(f"{request.prompt:24} {outcome.answer}  ({path})")


asyncio.run(main())
