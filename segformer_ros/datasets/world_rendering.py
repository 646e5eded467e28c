# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rendering ahead: processes that fill a cache of frames while others read it."""

from __future__ import annotations

from collections.abc import Callable, Sized
from functools import partial
import multiprocessing
import multiprocessing.connection
from multiprocessing.process import BaseProcess
import os
import time

from segformer_ros.datasets.world_frames import render_shard, WorldFrames

_REPORT_EVERY_S = 10.0


class Rendering:
    """The processes that render what is missing; they end with the process that started them."""

    def __init__(self, frames: WorldFrames) -> None:
        self._frames = frames
        self._workers: list[BaseProcess] = []

    def start(self) -> None:
        """Start them, unless every frame is there."""
        if self._workers or not self._frames.missing():
            return
        context = multiprocessing.get_context('spawn')
        for number in range(self._frames.processes):
            worker = context.Process(
                target=_render_share, args=(self._frames, number), daemon=True
            )
            worker.start()
            self._workers.append(worker)

    def check(self) -> None:
        """
        Notice processes that have died.

        :raises RuntimeError: One has.
        """
        for worker in self._workers:
            if worker.exitcode:
                raise RuntimeError(
                    f'a process that renders the world ended with exit status {worker.exitcode}: '
                    'start again, what is finished is kept'
                )

    @property
    def running(self) -> bool:
        """Return whether anybody renders."""
        return any(worker.is_alive() for worker in self._workers)

    def wait(self, timeout_s: float) -> None:
        """Wait until a process ends, or so long."""
        sentinels = [worker.sentinel for worker in self._workers if worker.is_alive()]
        if sentinels:
            multiprocessing.connection.wait(sentinels, timeout=timeout_s)

    def stop(self) -> None:
        """End the processes; shards that are not finished are rendered another time."""
        for worker in self._workers:
            worker.terminate()
        for worker in self._workers:
            worker.join()
        self._workers.clear()


def _render_share(frames: WorldFrames, worker: int) -> None:
    """Render every so many shards, as long as the parent lives."""
    os.nice(10)
    parent = multiprocessing.parent_process()
    from segformer_ros.world import random_frame

    for shard in range(worker, frames.shards, frames.processes):
        if parent is None or not parent.is_alive():
            return
        render_shard(frames, shard, partial(random_frame, variety=frames.variety))


def wait_for_frames(
    ready: Callable[[], Sized],
    rendering: Rendering,
    wanted: int,
    report: Callable[[str], None],
    *,
    poll_s: float = 1.0,
) -> None:
    """
    Wait until so many frames are on disk.

    :param ready: Gives those that are.
    :param report: Takes one line of text, at first and every ten seconds.
    :raises RuntimeError: A rendering process has died.
    """
    said_at = -_REPORT_EVERY_S
    while (count := len(ready())) < wanted:
        now = time.monotonic()
        if now - said_at >= _REPORT_EVERY_S:
            said_at = now
            report(f'{count} of {wanted} frames rendered')
        running = rendering.running
        rendering.wait(poll_s)
        rendering.check()
        if not running and len(ready()) < wanted:
            raise RuntimeError(
                f'expected {wanted} frames of the world, found {len(ready())} and no process that '
                'renders more: were frames removed meanwhile?'
            )
