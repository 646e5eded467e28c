# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Worker processes of a Ray cluster: actors, each with the network.

Ray Core, not Ray Data: the unit is a file with a state of its own, not a row, and it has to be
known which one failed and why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import logging
import signal
import socket
from typing import Any

import ray
from ray.util import metrics
from segformer_ros.fleet.pool import Outcome, PoolError
from segformer_ros.fleet.settings import Settings
from segformer_ros.fleet.work import Answer, Compute, Task, Worker

_CONNECT_S = 10.0
# Of each worker, one after the other, before it is given up: the package is not where they start.
_FAILED_STARTS = 3
_SECONDS = [1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0]
# Its types cover a part of it.
_RAY: Any = ray


@dataclass(frozen=True)
class Resources:
    """
    What a worker needs.

    :param threads: CPUs that it holds, and threads for one image.
    :param gpus: GPUs that it holds; may be a fraction.
    """

    threads: int
    gpus: float = 0.0


class RayPool:
    """
    Actors of a running cluster, or of one that is started on this machine.

    :param count: Number of workers; 0: as many as there is room for now. Those without room wait
        for a node, which an autoscaler may add.
    :param address: Of the cluster, as `ray start` prints it; empty: start one here, which ends
        with the pool.
    :raises PoolError: There is no cluster at the address, or no room for a worker.

    The attribute `dashboard` is the address of the cluster's dashboard, empty where there is none.
    """

    def __init__(
        self, settings: Settings, count: int, resources: Resources, address: str = ''
    ) -> None:
        self._settings = settings
        self._resources = resources
        self.dashboard = _connect(address)
        total: dict[str, float] = _RAY.cluster_resources()
        room = int(total.get('CPU', 0) // resources.threads)
        if resources.gpus:
            room = min(room, int(total.get('GPU', 0) / resources.gpus))
        if not count and not room:
            ray.shutdown()
            raise PoolError(
                f'expected a node with {resources.threads} CPUs and {resources.gpus:g} GPUs in '
                f'the cluster, found {total.get("CPU", 0):g} and {total.get("GPU", 0):g} in all: '
                'set --threads and --gpus, or --workers to wait for nodes'
            )
        actor = _RAY.remote(_Actor).options(
            num_cpus=resources.threads, num_gpus=resources.gpus, max_restarts=0
        )
        self._make = actor.remote
        self._starting: dict[Any, Any] = {}
        self._idle: list[Any] = []
        self._busy: dict[Any, tuple[int, Any]] = {}
        self._workers = count or room
        self._failed_starts = 0
        for _ in range(self._workers):
            self._start()

    def _start(self) -> None:
        worker = self._make(self._settings, self._resources.threads)
        self._starting[worker.ready.remote()] = worker

    def free(self) -> int:
        """Return the number of workers that run and have no task."""
        return len(self._idle)

    def pending(self) -> bool:
        """Return whether workers wait for their place."""
        return bool(self._starting)

    def submit(self, key: int, task: Task) -> None:
        """Let a free worker do a task."""
        worker = self._idle.pop()
        self._busy[worker.do.remote(task)] = key, worker

    def wait(self, timeout_s: float) -> Sequence[Outcome]:
        """Return what has ended, after the time at the latest."""
        waiting = [*self._busy, *self._starting]
        if not waiting:
            return []
        done, _ = ray.wait(waiting, num_returns=1, timeout=timeout_s)
        if done:
            done, _ = ray.wait(waiting, num_returns=len(waiting), timeout=0)
        found = (self._settle(item) for item in done)
        return [item for item in found if item is not None]

    def _settle(self, item: Any) -> Outcome | None:
        key, worker = self._busy.pop(item, None) or (None, self._starting.pop(item, None))
        try:
            answer: Answer | None = ray.get(item)
        except ray.exceptions.RayError as error:
            # It died, or its node did; one that may live still is ended before there is another.
            ray.kill(worker)
            if key is None:
                self._failed_starts += 1
                if self._failed_starts >= _FAILED_STARTS * self._workers:
                    raise PoolError(f'no worker can start: {_death(error)}') from error
            self._start()
            return None if key is None else Outcome(key, None, _death(error))
        self._failed_starts = 0
        self._idle.append(worker)
        return None if key is None else Outcome(key, answer)

    def close(self) -> None:
        """End all workers at once, whatever they are doing."""
        for worker in [
            *self._idle, *self._starting.values(), *(item for _, item in self._busy.values())
        ]:  # fmt: skip
            ray.kill(worker)
        ray.shutdown()


class _Actor:
    """A worker in a process of Ray."""

    def __init__(self, settings: Settings, threads: int) -> None:
        self._worker = Worker(settings, threads)
        self._frames = metrics.Counter('segformer_label_frames', 'Frames of shards that are done.')
        self._shards = metrics.Counter(
            'segformer_label_shards', 'Shards by what became of them.', tag_keys=('result',)
        )
        self._seconds = metrics.Histogram(
            'segformer_label_shard_seconds', 'Time for a shard.', boundaries=_SECONDS
        )

    def ready(self) -> None:
        """Answer as soon as there is this process."""

    def do(self, task: Task) -> Answer:
        """Do a task, and count it for Prometheus."""
        answer = self._worker.do(task)
        if isinstance(task, Compute):
            self._shards.inc(tags={'result': 'failed' if answer.reason else 'done'})
            if not answer.reason:
                self._seconds.observe(answer.seconds)
                if answer.frames:
                    self._frames.inc(answer.frames)
        return answer


def _connect(address: str) -> str:
    """
    Connect to a cluster.

    :returns: Address of its dashboard; empty: it has none.
    :raises PoolError: There is none.
    """
    _knock(address)
    # Ray takes over what a signal does to this process.
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    options: dict[str, Any] = {'address': address} if address else {'include_dashboard': False}
    try:
        found = ray.init(log_to_driver=False, logging_level=logging.ERROR, **options)
        return str(found.dashboard_url or '')
    except (ConnectionError, RuntimeError, ValueError) as error:
        where = f'at {address}' if address else 'here'
        raise PoolError(
            f'expected a Ray cluster {where}: {" ".join(str(error).split())[:200]}'
        ) from error
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _knock(address: str) -> None:
    """
    Look whether anybody listens: Ray itself tries for minutes.

    :raises PoolError: No one does.
    """
    host, colon, port = address.rpartition(':')
    if not colon or '://' in address:
        return
    try:
        with socket.create_connection((host.strip('[]'), int(port)), _CONNECT_S):
            pass
    except (OSError, ValueError) as error:
        raise PoolError(f'expected a Ray cluster at {address}: {error}') from error


def _death(error: BaseException) -> str:
    """Describe in a sentence why a worker is gone; Ray's own text has a page."""
    text = ' '.join(str(error).split())
    if 'node' in text.lower() and ('died' in text or 'dead' in text):
        return 'its worker was lost with its node'
    return f'its worker was lost ({type(error).__name__})'
