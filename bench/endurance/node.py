# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A segformer_node in a process of its own, which sends its counts to its parent process."""

from __future__ import annotations

from dataclasses import asdict
import json
import os
from pathlib import Path
import subprocess
import sys
import threading
import time
from typing import Any

from memory import alone, Copies
import numpy as np
import numpy.typing as npt
from segformer_ros.inference.pipeline import Options, Prediction
from segformer_ros.nodes import executable
from segformer_ros.nodes.segformer_node import SegformerNode

Image = npt.NDArray[np.uint8]
PLAIN, RAISES, SLOW = (0, 0, 0), (1, 2, 3), (3, 2, 1)
"""The first pixel of an image: what the backend does with it."""
SLOW_S = 0.03


class Trapped(Copies):
    """Labels are the red channel % 29, depth is the green one in metres; some images are traps."""

    def predict_batch(
        self,
        images: list[Image],
        focal_lengths_px: object,
        options: Options,
        memories: object = None,
    ) -> list[Prediction]:
        """Copy the channels, raise, or take a long time."""
        for image in images:
            first = tuple(image[0, 0].tolist())
            if first == RAISES:
                raise RuntimeError('the backend was told to fail')
            if first == SLOW:
                time.sleep(SLOW_S)
        return super().predict_batch(images, focal_lengths_px, options)


def serve() -> int:
    """Run the node; every line on standard input is answered by its counts in JSON."""
    node = SegformerNode  # made once ROS is up

    def make() -> SegformerNode:
        made = node(load=lambda values: alone(Trapped()))
        threading.Thread(target=_answer, args=(made,), daemon=True).start()
        return made

    return executable.run(make, [])


def _answer(node: SegformerNode) -> None:
    for _ in sys.stdin:
        counts = [asdict(item) for item in node.camera_counts()]
        text = json.dumps({'state': node.state, **(counts[0] if counts else {})})
        sys.stdout.write(f'{text}\n')
        sys.stdout.flush()


class NodeProcess:
    """That process from outside."""

    def __init__(self, program: Path, log: Path) -> None:
        """
        Start it.

        :param program: Calls serve() with the argument --node.
        :param log: Takes what it says on standard error.
        """
        self._log = log.open('wb')
        self._process = subprocess.Popen(
            [sys.executable, str(program), '--node'],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )

    def counts(self) -> dict[str, Any]:
        """
        Ask for state and counts.

        :raises RuntimeError: The process has ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(b'?\n')
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = b''
        if not line:
            raise RuntimeError(f'the node has ended with {self._process.wait()}')
        answer: dict[str, Any] = json.loads(line)
        return answer

    def resident_mib(self) -> float:
        """Measure its resident memory."""
        pages = int(self._proc('statm').read_text(encoding='ascii').split()[1])
        return pages * os.sysconf('SC_PAGE_SIZE') / 2**20

    def threads(self) -> int:
        """Count its threads."""
        return len(list(self._proc('task').iterdir()))

    def handles(self) -> int:
        """Count its open files and sockets."""
        return len(list(self._proc('fd').iterdir()))

    def close(self) -> int:
        """End it as a launch file does; give its exit status."""
        self._process.terminate()
        code = self._process.wait(30.0)
        self._log.close()
        return code

    def _proc(self, name: str) -> Path:
        return Path(f'/proc/{self._process.pid}/{name}')
