"""The loop that trains every bundled model: seeded, resumable, in bfloat16."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from trustlayer.recipes import Step

Plan = Sequence[Sequence[int]]
Loss = Callable[[Sequence[int]], Tensor]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How fast to learn: linear warm-up, then linear decay to nothing."""

    rate: float = 1e-4
    warmup: float = 0.06
    decay: float = 0.01
    clip: float = 1.0
    save_every: int = 200
    log_every: int = 25

    def rate_at(self, step: int, steps: int) -> float:
        """Return the learning rate of *step* out of *steps*."""
        start = max(1, round(self.warmup * steps))
        return self.rate * min((step + 1) / start, (steps - step) / max(1, steps - start))


def plan_batches(
    lengths: Sequence[int], tokens: int, seed: int, *, block: int = 2048, epochs: int = 1
) -> list[list[int]]:
    """Return batches of indices that hold about *tokens* tokens each, padding included.

    Rows are shuffled, then sorted by length inside blocks, so that batches are nearly
    free of padding and still differ from epoch to epoch.
    """
    random = np.random.default_rng(seed)
    return list(chain.from_iterable(_epoch(lengths, tokens, random, block) for _ in range(epochs)))


def _epoch(
    lengths: Sequence[int], tokens: int, random: np.random.Generator, block: int
) -> list[list[int]]:
    order: list[int] = random.permutation(len(lengths)).tolist()
    batches: list[list[int]] = []
    for start in range(0, len(order), block):
        part = sorted(order[start : start + block], key=lambda row: lengths[row])
        batches += _pack(part, lengths, tokens)
    return [batches[index] for index in random.permutation(len(batches))]


def _pack(rows: Sequence[int], lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    batch: list[int] = []
    for row in rows:
        if batch and (len(batch) + 1) * lengths[row] > tokens:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def device() -> torch.device:
    """Return the GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def fit(
    model: nn.Module, plan: Plan, loss: Loss, schedule: Schedule, folder: Path, seed: int = 7
) -> None:
    """Do what `learn` does, to the end."""
    for _ in learn(model, plan, loss, schedule, folder, seed):
        pass


def learn(
    model: nn.Module, plan: Plan, loss: Loss, schedule: Schedule, folder: Path, seed: int = 7
) -> Iterator[Step]:
    """Train *model* in place by minimising *loss* over the batches of *plan*, step by step.

    *folder* receives `state.pt` (to go on after an interruption, from the same plan) and
    `log.jsonl` (the learning curve). A finished run is not repeated.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    optimizer = torch.optim.AdamW(_groups(model, schedule.decay), lr=schedule.rate, fused=True)
    start = _resume(model, optimizer, folder)
    model.train()
    with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
        losses: list[float] = []
        began = time.monotonic()
        for step in range(start, len(plan)):
            for group in optimizer.param_groups:
                group["lr"] = schedule.rate_at(step, len(plan))
            losses.append(_step(model, optimizer, loss, plan[step], schedule.clip))
            yield Step(folder.name, step + 1, len(plan), losses[-1])
            if (step + 1) % schedule.save_every == 0:
                _save(model, optimizer, step + 1, folder)
            if (step + 1) % schedule.log_every == 0:
                print(_record(step, len(plan), losses, began), file=log, flush=True)
                losses = []
    _save(model, optimizer, len(plan), folder)


def _record(step: int, steps: int, losses: Sequence[float], began: float) -> str:
    seconds = round(time.monotonic() - began, 1)
    loss = round(sum(losses) / len(losses), 5)
    return json.dumps({"step": step + 1, "of": steps, "loss": loss, "seconds": seconds})


def _step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss: Loss,
    batch: Sequence[int],
    clip: float,
) -> float:
    with torch.autocast(device().type, torch.bfloat16):
        value = loss(batch)
    value.backward()  # type: ignore[no-untyped-call]  # torch does not annotate it
    nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    optimizer.zero_grad()
    return float(value.detach())


def _groups(model: nn.Module, decay: float) -> list[dict[str, Any]]:
    # Biases and layer norms are not decayed: they are vectors.
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]


def _save(model: nn.Module, optimizer: torch.optim.Optimizer, step: int, folder: Path) -> None:
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
    torch.save(state, folder / "state.new")
    os.replace(folder / "state.new", folder / "state.pt")


def _resume(model: nn.Module, optimizer: torch.optim.Optimizer, folder: Path) -> int:
    if not (folder / "state.pt").exists():
        return 0
    state = torch.load(folder / "state.pt", map_location=device(), weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"])
