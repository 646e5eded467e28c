# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The page on which a person looks through a dataset; one file, no script, no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from segformer_ros.labels import LabelSet

_STYLE = """
body { font: 15px sans-serif; margin: 2em auto; max-width: 62em; color: #222; }
table { border-collapse: collapse; } td, th { padding: .2em .8em; text-align: right; }
td:first-child, th:first-child { text-align: left; }
i { display: inline-block; width: 1em; height: 1em; margin-right: .5em; }
img { max-width: 100%; }
"""


def index_page(
    routes: Sequence[Mapping[str, Any]],
    shares: Mapping[str, Mapping[str, float]],
    classes: LabelSet,
) -> str:
    """
    Write the page.

    :param routes: With 'split', 'name' and 'frames'.
    :param shares: Of the pixels, by split and class name.
    """
    frames = sum(route['frames'] for route in routes)
    parts = [
        '<!DOCTYPE html><meta charset="utf-8"><title>Drives</title>',
        f'<style>{_STYLE}</style><h1>Drives</h1>',
        f'<p>{frames} frames of {len(routes)} routes, classes of {escape(classes.name)}.</p>',
        _class_table(shares, classes),
    ]
    for route in routes:
        place = escape(f'{route["split"]}/{route["name"]}')
        parts.append(
            f'<h2>{place}</h2><p>{route["frames"]} frames, '
            f'<a href="{place}/frames.csv">frames.csv</a></p>'
            f'<img src="{place}/preview.jpg" alt="frames of {place}">'
        )
    return '\n'.join(parts) + '\n'


def _class_table(shares: Mapping[str, Mapping[str, float]], classes: LabelSet) -> str:
    head = ''.join(f'<th>{escape(split)}</th>' for split in shares)
    rows = []
    for item in classes.classes:
        if any(item.name in known for known in shares.values()):
            color = '#{:02x}{:02x}{:02x}'.format(*item.color)
            cells = ''.join(f'<td>{known.get(item.name, 0):.3%}</td>' for known in shares.values())
            name = f'<i style="background:{color}"></i>{escape(item.name)}'
            rows.append(f'<tr><td>{name}</td>{cells}</tr>')
    return f'<table><tr><th>class</th>{head}</tr>{"".join(rows)}</table>'
