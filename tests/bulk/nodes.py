"""Nodes of a Ray cluster, each of its own processes, on the loopback interface."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.bulk.conftest import OFFERED, SOURCE

STORE = 80 << 20  # bytes


class Nodes:
    """Starts with a node that has no CPU, for what must survive; `add` others."""

    def __init__(self, site: Path) -> None:
        self._site = site
        self._path = os.environ.get("PYTHONPATH")
        self._cluster: Any = None

    def __enter__(self) -> Self:
        self._install()
        from ray.cluster_utils import Cluster

        from trustlayer_ray.connecting import loopback_alone

        loopback_alone()

        options = {"include_dashboard": False, **self._options(0)}
        self._cluster = Cluster(initialize_head=True, head_node_args=options)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        import ray

        ray.shutdown()
        self._cluster.shutdown()
        if self._path is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = self._path

    @property
    def address(self) -> str:
        return str(self._cluster.address)

    def option(self, engine: str) -> list[str]:
        """Where the command finds this cluster."""
        return ["--address", self.address] if engine == "ray" else []

    def add(self, cpus: int, **resources: float) -> Any:
        return self._cluster.add_node(**self._options(cpus), resources=resources)

    def kill(self, node: Any) -> None:
        self._cluster.remove_node(node, allow_graceful=False)

    def connect(self) -> Any:
        """Ray, as a driver uses it."""
        import ray
        import ray.data

        ray.init(self.address, ignore_reinit_error=True, log_to_driver=False, logging_level=40)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        return ray

    def _options(self, cpus: int) -> dict[str, Any]:
        return {"num_cpus": cpus, "object_store_memory": STORE, "node_ip_address": "127.0.0.1"}

    def _install(self) -> None:
        (self._site / "detectors_of_nodes.py").write_text(SOURCE, encoding="utf-8")
        info = self._site / "detectors_of_nodes-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: nodes\nVersion: 1\n")
        entries = "\n".join(f"{name} = detectors_of_nodes:{what}" for name, what in OFFERED.items())
        (info / "entry_points.txt").write_text(f"[trustlayer.detectors]\n{entries}\n")
        path = [str(self._site), *filter(None, [self._path])]
        os.environ["PYTHONPATH"] = os.pathsep.join(path)
