# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The results as a picture: a bar for each candidate, the part of the network dark."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from comparison.candidates import OURS

_THEIRS = ('#8c8c8c', '#d0d0d0')
_OURS = ('#1f6fb4', '#a9cbe8')
_TEXT = '#303030'
Record = dict[str, Any]


def write(results: Record, path: Path) -> None:
    """Draw every case into one PNG."""
    matplotlib.use('Agg')
    cases = results['cases']
    columns = min(3, len(cases))
    rows = -(-len(cases) // columns)
    most = max(len(case['candidates']) for case in cases)
    figure = Figure(figsize=(4.0 * columns + 3.0, (0.34 * most + 0.9) * rows + 0.6), dpi=130)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat[len(cases) :]:
        axes.remove()
    for number, (axes, case) in enumerate(zip(grid.flat, cases, strict=False)):
        _draw(axes, case, titles=number % columns == 0)
    figure.supxlabel(
        'milliseconds from camera image to label and depth images; dark: the network\n'
        '(in brackets: how many times faster than the first one)',
        fontsize=9,
        color=_TEXT,
    )
    figure.tight_layout()
    figure.savefig(path)


def _draw(axes: Axes, case: Record, *, titles: bool) -> None:
    records: Sequence[Record] = case['candidates']
    places = range(len(records))
    whole = [item['whole']['median_ms'] for item in records]
    network = [item['network']['median_ms'] for item in records]
    colours = [_OURS if item['name'].startswith(OURS) else _THEIRS for item in records]
    axes.barh(places, whole, color=[light for _, light in colours])
    axes.barh(places, network, color=[dark for dark, _ in colours])
    low = [total - item['whole']['q1_ms'] for item, total in zip(records, whole, strict=True)]
    high = [item['whole']['q3_ms'] - total for item, total in zip(records, whole, strict=True)]
    axes.errorbar(whole, places, xerr=(low, high), fmt='none', ecolor=_TEXT, elinewidth=1.0)
    for place, total, top in zip(places, whole, high, strict=True):
        text = f'{total:.0f}  ({whole[0] / total:.1f}x)'
        axes.text(
            total + top + 0.015 * max(whole), place, text, va='center', fontsize=8, color=_TEXT
        )
    axes.set_yticks(places, [item['title'] for item in records] if titles else [])
    axes.tick_params(labelsize=8, colors=_TEXT)
    axes.invert_yaxis()
    axes.set_xlim(0.0, 1.3 * max(total + top for total, top in zip(whole, high, strict=True)))
    size = case['case']
    axes.set_title(f'{size["model"].upper()}, {size["height"]}x{size["width"]}', fontsize=10)
    axes.spines[['top', 'right']].set_visible(False)
