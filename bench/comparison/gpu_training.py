# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A step of training on a device."""

from __future__ import annotations

from pathlib import Path
import tempfile

from comparison.against_rows import train, Tree
from comparison.report import table

PRECISIONS = ('float32', 'bfloat16')


def parts(tree: Tree, absent: dict[str, str]) -> list[str]:
    """Measure and write it as markdown; what is absent is noted with its reason."""
    rows: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # The first turn does not count: it renders the frames.
        for precision in (PRECISIONS[0], *PRECISIONS):
            more = ('hardware.accelerator=cuda', f'hardware.precision={precision}')
            try:
                figures = train(tree, folder, folder / 'run', more=more)
            except RuntimeError as error:
                absent[f'training, {precision}'] = str(error)
                continue
            rows[precision] = [precision, *(f'{value:.1f}' for value in figures.values())]
    return [
        'A step of `segformer train --recipe world_b0`, batches of 4 made by the CPU; float32 '
        'with products in TF32:',
        table(['training', 'ms', 'ms of CPU'], list(rows.values())),
    ]
