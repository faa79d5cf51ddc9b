"""The way to a Ray cluster: one that runs, or one made for the purpose on this machine."""

from __future__ import annotations

import logging
import os

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read when ray is imported

import ray
from ray._private import ray_constants
from ray.exceptions import RayError

from trustlayer.bulk.pool import cores
from trustlayer.errors import WorkerLost

__all__ = ["RayError", "connect", "disconnect", "ray"]

OBJECT_STORE = 200 << 20  # bytes; blocks are small, and few are under way


def connect(address: str | None = None, workers: int | None = None) -> bool:
    """Use the cluster at *address*, or one on this machine; whether one was made for us.

    A made one listens on the loopback interface alone, without a dashboard. Raises
    ConnectionError where no cluster is at *address*, and WorkerLost where none comes up.
    """
    if ray.is_initialized():
        return False
    try:
        _connect(address, workers)
    except ConnectionError:
        raise
    except Exception as error:  # Ray raises nothing more special when a node does not come up
        lost = WorkerLost(f"Ray did not start: {error}")
        lost.add_note("it allows its parts half a minute: on a busy machine, try once more")
        lost.add_note("without Ray, on all cores of this machine: --engine local")
        raise lost from error
    return True


def _connect(address: str | None, workers: int | None) -> None:
    if address is not None:
        ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
        return
    loopback_alone()
    ray.init(
        address="local",
        num_cpus=workers or cores(),
        include_dashboard=False,
        object_store_memory=OBJECT_STORE,
        logging_level=logging.ERROR,
        log_to_driver=False,
        _node_ip_address="127.0.0.1",
    )


def loopback_alone() -> None:
    """Have this process, and what it starts, know this machine as 127.0.0.1.

    Ray turns that into an address that others can reach, except where it believes that there
    can be no cluster, as on macOS: this is the switch for that.
    """
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    ray_constants.ENABLE_RAY_CLUSTER = False


def disconnect() -> None:
    ray.shutdown()
