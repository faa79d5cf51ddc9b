"""Ray Data: a dataset of answers in, the same dataset with what was found out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

from trustlayer.batches import BATCH
from trustlayer.bulk.blocks import CHUNK, Block, Entry, Failure, Place, blocks
from trustlayer.bulk.orders import examiner_of, order_of
from trustlayer.bulk.parquet import FAILURE, FINDINGS, columns, entry, table_row
from trustlayer.bulk.recipes import Recipe
from trustlayer.bulk.sparing import spare
from trustlayer_ray.connecting import ray

if TYPE_CHECKING:
    import pyarrow as pa
    from ray.data import Dataset


def examine(
    dataset: Dataset,
    detectors: Sequence[str | Recipe],
    *,
    actors: int | tuple[int, int] | None = None,
    num_cpus: float = 1.0,
    num_gpus: float = 0.0,
    device: str = "cpu",
    batch_size: int = BATCH,
    timeout: float | None = 60.0,
) -> Dataset:
    """Add the columns ``findings`` and ``failure`` to a *dataset* of answers, lazily, in order.

    Its columns are the keys of the JSON lines: ``answer``, and ``prompt``, ``context``,
    ``samples``, ``logprobs`` where there are any; others are kept. *failure* says what is
    wrong with a row that could not be read; its findings are null. Each of the *actors*, a
    number or (least, most), makes the *detectors* once and takes *num_cpus* and *num_gpus* of
    its node, fractions allowed; Ray replaces actors that die and repeats their chunks.

    The findings are those of ``trustlayer examine`` on the same rows in the same order,
    whatever the blocks of the dataset and however many the actors.
    """
    made = [Recipe(d) if isinstance(d, str) else d for d in detectors]
    dataset.context.execution_options.preserve_order = True  # blocks are cut by position
    chunks = dataset.repartition(target_num_rows_per_block=CHUNK, strict=True)
    return chunks.map_batches(
        cast("Any", Chunks),
        fn_constructor_args=(order_of(made, timeout), batch_size, device),
        batch_size=CHUNK,
        batch_format="pyarrow",
        compute=_pool(actors),
        num_cpus=num_cpus,
        num_gpus=num_gpus,
    )


def _pool(actors: int | tuple[int, int] | None) -> ray.data.ActorPoolStrategy:
    if isinstance(actors, int):
        return ray.data.ActorPoolStrategy(size=actors)
    least, most = actors or (1, None)
    return ray.data.ActorPoolStrategy(min_size=least, max_size=most)


class Chunks:
    """Examines a chunk of a dataset at a time; an actor of Ray Data's."""

    def __init__(self, order: bytes, size: int, device: str) -> None:
        os.environ["TRUSTLAYER_DEVICE"] = device
        spare()
        self._examiner = examiner_of(order)
        self._size = size

    def __call__(self, table: pa.Table) -> pa.Table:
        """The *table* with two more columns."""
        findings: list[Any] = [None] * table.num_rows
        failures: list[str | None] = [None] * table.num_rows
        for item in blocks(entries(table), self._size):
            if isinstance(item, Failure):
                failures[item.place.row - 1] = str(item)
            else:
                for place, found in self._found(item):
                    findings[place.row - 1] = found
        for name, column in columns(findings, failures).items():
            table = table.append_column(name, column)
        return table

    def _found(self, block: Block) -> Iterator[tuple[Place, Any]]:
        lines = self._examiner.examine(block.payload).split(b"\n")
        rows = (table_row(line)[FINDINGS] for line in lines)
        return zip(block.places, rows, strict=True)


def entries(table: pa.Table) -> Iterator[Entry | Failure]:
    """The rows of a *table*, counted from 1 in it."""
    given = table.drop_columns([n for n in (FINDINGS, FAILURE) if n in table.column_names])
    for number, row in enumerate(given.to_pylist(), 1):
        yield entry(Place("", number), row)
