# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The evaluation of a drive as files: figures of every frame, a summary, a picture."""

from __future__ import annotations

from collections.abc import Mapping
import csv
import io
from pathlib import Path
from typing import Any

import cv2
from segformer_ros import run_folder
from segformer_ros.evaluation.drive_plot import draw_report
from segformer_ros.evaluation.drive_scores import DEPTH_COLUMNS, FrameKey, LABEL_COLUMNS

FRAMES, SUMMARY, PICTURE = 'frames.csv', 'summary.json', 'evaluation.png'

_COLUMNS = (*LABEL_COLUMNS, *DEPTH_COLUMNS)


def write_report(
    folder: Path,
    summary: Mapping[str, Any],
    rows: Mapping[FrameKey, Mapping[str, float]],
) -> None:
    """
    Write the three files, each whole or not at all.

    :param folder: Made if it is missing; files of an earlier report are replaced.
    :param summary: JSON values with 'segmentation' and 'depth', as of DriveEvaluation.summary().
    :param rows: The figures of single frames, as of DriveScores.
    """
    run_folder.write_bytes(folder / FRAMES, _csv(rows).encode())
    run_folder.write_json(folder / SUMMARY, summary)
    picture = cv2.cvtColor(draw_report(summary, rows), cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode('.png', picture)
    run_folder.write_bytes(folder / PICTURE, data.tobytes())


def _csv(rows: Mapping[FrameKey, Mapping[str, float]]) -> str:
    """Write a line for every frame in the order of time; a figure that is unknown is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(('stamp_s', 'restarts', *_COLUMNS))
    for life, stamp_ns in sorted(rows):
        values = (rows[life, stamp_ns].get(name) for name in _COLUMNS)
        cells = ('' if value is None or value != value else f'{value:.6g}' for value in values)
        seconds, nanoseconds = divmod(stamp_ns, 1_000_000_000)
        writer.writerow((f'{seconds}.{nanoseconds:09d}', life, *cells))
    return text.getvalue()
