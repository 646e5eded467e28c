# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which frames of a video there are, when they are shown, and what became of them."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

from segformer_ros import run_folder
from segformer_ros.files.video import VideoFrame

FRAMES_TABLE = 'frames.csv'


class FramesTable:
    """A CSV file with a row for every frame: its name, its time, and why it has no result."""

    def __init__(self, path: Path) -> None:
        """Start without a frame."""
        self._path = path
        self._text = StringIO()
        self._writer = csv.writer(self._text, lineterminator='\n')
        self._writer.writerow(('frame', 'time_s', 'error'))

    def add(self, frame: VideoFrame) -> None:
        """Add a frame that was processed, or that could not be."""
        self._writer.writerow((frame.name, f'{frame.time_s:.6f}', frame.error))

    def write(self) -> None:
        """
        Write the file whole.

        :raises OSError: It cannot be written.
        """
        run_folder.write_bytes(self._path, self._text.getvalue().encode())
