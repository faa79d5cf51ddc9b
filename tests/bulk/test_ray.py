"""A Ray cluster of three nodes on this machine: what it finds, and what kills do to that."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.bulk.conftest import read, write
from tests.bulk.nodes import Nodes
from trustlayer.bulk.blocks import Block, Entry, Failure, Place, blocks
from trustlayer.bulk.engines import Order
from trustlayer.bulk.queue import Done
from trustlayer.bulk.recipes import Recipe, recipes
from trustlayer.cli import app
from trustlayer.errors import BrokenDetector, WorkerLost
from trustlayer.exchange import Exchange
from trustlayer.lines import ExchangeLine

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="needs the extra ray"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # Ray leaves its pipes open
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),
    pytest.mark.filterwarnings("ignore::FutureWarning:ray"),
]

NAMES = ("figures", "quotations", "shouting", "together")


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    with Nodes(tmp_path_factory.mktemp("site")) as nodes:
        nodes.add(cpus=2)
        yield nodes


def answers(count: int, text: str = "") -> list[Any]:
    return [
        {"answer": f"{text}It is {300 + n % 50} m tall, LOUD.", "context": "It is 324 m tall."}
        for n in range(count)
    ]


def given(count: int, text: str = "") -> Iterator[Block | Failure]:
    entries = (
        Entry(Place("", n), ExchangeLine(n, n, Exchange("", row["answer"], (row["context"],))))
        for n, row in enumerate(answers(count, text), 1)
    )
    return blocks(entries, 4)


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, ["examine", *map(str, arguments)])


def examined(found: list[Done | Failure]) -> list[int]:
    """The rows of all blocks, of which none may be lost."""
    dones = [item for item in found if isinstance(item, Done) and item.trouble is None]
    return [place.row for done in dones for place in done.block.places]


def test_the_cluster_finds_what_this_machine_finds(tmp_path: Path, nodes: Nodes) -> None:
    path = write(tmp_path / "in.jsonl", [*answers(300), {"answer": 7}, *answers(300)])
    detectors = [word for name in NAMES for word in ("-d", name)]
    outputs = {}
    for engine in ("local", "ray"):
        outputs[engine] = tmp_path / f"{engine}.jsonl"
        options = ["--engine", engine, "-o", outputs[engine], "--on-error", "skip"]
        done = run(path, *detectors, *options, *nodes.option(engine))
        assert done.exit_code == 1  # a row is bad
        assert "line 301: found the number 7 as 'answer'" in done.stderr
    assert outputs["local"].read_bytes() == outputs["ray"].read_bytes()
    assert len(read(outputs["ray"])) == 600


def damaged(folder: Path) -> list[Path]:
    """Inputs of every kind with something wrong in each, and one that is not there."""
    rows = write(folder / "a.jsonl", [*answers(20), {"answer": 7}, [1], *answers(20)])
    cut = folder / "b.jsonl.gz"
    cut.write_bytes(gzip.compress(b'{"answer": "LOUD"}\n' * 9999)[:-12])
    table = folder / "c.parquet"
    parquet.write_table(pa.Table.from_pylist(answers(90)), table, row_group_size=30)
    column = parquet.ParquetFile(table).metadata.row_group(1).column(0)
    start = column.dictionary_page_offset or column.data_page_offset
    data = bytearray(table.read_bytes())
    data[start : start + 40] = b"\xff" * 40
    table.write_bytes(data)
    return [rows, cut, table, folder / "missing.jsonl", write(folder / "d.jsonl", answers(9))]


def test_the_rest_of_damaged_inputs_is_examined(tmp_path: Path, nodes: Nodes) -> None:
    inputs = damaged(tmp_path)
    found = {}
    for engine in ("local", "ray"):
        output = tmp_path / f"{engine}.out"
        options = ["-d", "shouting", "-d", "together", "--engine", engine, "-o", output]
        done = run(*inputs, *options, *nodes.option(engine))
        assert done.exit_code == 1
        assert f"5 failures are listed in {output}.failures.jsonl" in " ".join(done.stderr.split())
        found[engine] = (output.read_bytes(), read(Path(f"{output}.failures.jsonl")))
    assert found["ray"] == found["local"]
    output_ids = [row["id"] for row in read(tmp_path / "ray.out")]
    failures = found["ray"][1]
    expected = [(inputs[0], 21), (inputs[0], 22), (inputs[1], None), (inputs[2], 31)]
    for failure, (path, row) in zip(failures, expected, strict=False):
        assert failure["file"] == str(path)
        assert row in (failure["row"], None)
    assert [failures[3]["last"], failures[4]["file"]] == [60, str(inputs[3])]
    assert "damaged gzip data" in failures[2]["found"]
    assert "row group 1 damaged" in failures[3]["found"]
    assert len(output_ids) == 40 + failures[2]["row"] - 1 + 60 + 9
    assert output_ids[-1] == f"{inputs[4]}:9"


def test_a_killed_driver_leaves_what_the_next_one_goes_on_from(
    tmp_path: Path, nodes: Nodes
) -> None:
    path = write(tmp_path / "in.jsonl", answers(500))
    output, whole = tmp_path / "out.jsonl", tmp_path / "whole.jsonl"
    options: list[str | Path] = [path, "-d", "slow", "-d", "together", "--batch-size", "4"]
    command = [sys.executable, "-m", "trustlayer", "examine", *options, "-o", output]
    with subprocess.Popen([*map(str, command), "--engine", "ray", *nodes.option("ray")],
                          stderr=subprocess.DEVNULL) as process:  # fmt: skip
        while not output.exists() or output.read_bytes().count(b"\n") < 40:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    done = run(*options, "-o", output, "--engine", "ray", *nodes.option("ray"), "--resume")
    assert done.exit_code == 0, done.stderr
    assert "of these were examined before, and not again" in done.stderr
    run(*options, "-o", whole)
    assert output.read_bytes() == whole.read_bytes()


def test_killed_actors_lose_and_double_nothing(tmp_path: Path, nodes: Nodes) -> None:
    from trustlayer_ray import Cluster

    marker = tmp_path / "died"
    order = Order(recipes(["deadly", "slow"]), workers=2, address=nodes.address)
    with Cluster(order, cpus=0.5) as cluster:
        found = list(cluster.examine(given(200, f"die once {marker}\n")))
        sizes = cluster.memory()  # of those that are ready, the new one perhaps not
        assert 1 <= len(sizes) <= 2
        assert all(size > 1 << 20 for size in sizes)
    assert marker.exists()
    assert examined(found) == list(range(1, 201))


def test_what_kills_every_actor_is_unexamined(nodes: Nodes) -> None:
    from trustlayer_ray import Cluster

    order = Order(recipes(["deadly"]), workers=1, address=nodes.address)
    entries = [Entry(Place("", n), ExchangeLine(n, n, Exchange("", text)))
               for n, text in enumerate(["calm", "die", "calm"], 1)]  # fmt: skip
    with Cluster(order) as cluster:
        found = list(cluster.examine(blocks(entries, 1)))
    assert examined(found) == [1, 3]
    [lost] = [item for item in found if isinstance(item, Done) and item.trouble]
    assert b'{"unexamined": "its actor ended, 3 times: ' in lost.lines


def test_a_killed_node_loses_and_doubles_nothing(nodes: Nodes) -> None:
    from trustlayer_ray import Cluster

    extra = nodes.add(cpus=1, place=1)
    order = Order(recipes(["slow"]), workers=3, address=nodes.address)
    with Cluster(order) as cluster:
        results = cluster.examine(given(400))
        found = [next(results) for _ in range(20)]
        nodes.kill(extra)
        found += results
    assert examined(found) == list(range(1, 401))


def test_what_cannot_begin_is_told(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    import trustlayer_ray.cluster
    from trustlayer_ray import Cluster

    broken = Cluster(Order(recipes(["nothing"]), address=nodes.address))
    with broken, pytest.raises(BrokenDetector, match="'nothing'"):
        broken.records()
    monkeypatch.setattr(trustlayer_ray.cluster, "PATIENCE", 1.0)
    large = Cluster(Order(recipes(["slow"]), address=nodes.address), cpus=99.0)
    with large, pytest.raises(WorkerLost, match="no node had room") as told:
        large.records()
    assert "each takes 99 CPUs" in told.value.__notes__[0]


def test_a_dataset_gets_the_findings_of_the_lines(tmp_path: Path, nodes: Nodes) -> None:
    ray = nodes.connect()
    from trustlayer_ray import examine

    rows = [{"number": n, **row} for n, row in enumerate(answers(1300))]
    rows[700] = {"number": 700, "answer": None, "context": "no answer"}
    path = write(tmp_path / "in.jsonl", [r if r["answer"] else {"answer": 7} for r in rows])
    run(
        path, "-d", "shouting", "-d", "together", "-o", tmp_path / "out.jsonl", "--on-error", "skip"
    )
    lines = {row["id"] - 1: row["findings"] for row in read(tmp_path / "out.jsonl")}
    for parts in (1, 7):  # however the dataset lies about
        dataset = ray.data.from_items(rows, override_num_blocks=parts)
        found = examine(dataset, ["shouting", Recipe("together")], actors=2, num_cpus=0.5)
        table = found.take_all()
        assert [row["number"] for row in table] == list(range(1300))
        for row in table:
            if row["number"] == 700:
                assert row["findings"] is None
                assert "found null as 'answer'" in row["failure"]
                continue
            assert row["failure"] is None
            risks = {f["detector"]: f["risk"] for f in row["findings"]}
            expected = lines[row["number"]]
            assert risks == {name: f["risk"] for name, f in expected.items()}


def test_a_dataset_can_be_written_with_its_findings(tmp_path: Path, nodes: Nodes) -> None:
    ray = nodes.connect()
    from trustlayer_ray import examine

    path = write(tmp_path / "in.jsonl", answers(40))
    found = examine(ray.data.read_json(str(path)), ["shouting"], actors=1)
    found.write_parquet(str(tmp_path / "out"))
    again = ray.data.read_parquet(str(tmp_path / "out")).take_all()
    assert len(again) == 40
    assert {row["findings"][0]["risk"] for row in again} == {0.5}


def test_without_ray_it_is_said_how_to_get_it(tmp_path: Path) -> None:
    given = write(tmp_path / "in.jsonl", answers(2))
    program = (
        "import sys; sys.modules['ray'] = None\n"
        "from trustlayer.cli import main; sys.argv[1:] = "
        f"['examine', {str(given)!r}, '-d', 'figures', '--engine', 'ray']; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False,
                          env=os.environ, text=True)  # fmt: skip
    assert done.returncode == 1
    assert 'pip install "trustlayer[ray]"' in done.stderr
