# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A measurement as files: figures as JSON, CSV and Markdown, and one page with pictures."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
import csv
from dataclasses import dataclass
import io
import math
from pathlib import Path

import jinja2
from segformer_ros import run_folder
from segformer_ros.datasets import Dataset
from segformer_ros.evaluation import depth_scores, label_scores
from segformer_ros.evaluation.measure import predict_sample, Result
from segformer_ros.evaluation.network import Network
from segformer_ros.evaluation.pictures import confusion_picture, frame_picture
from segformer_ros.evaluation.tables import Table, tables
from segformer_ros.image_encoding import encode_photo, encode_png, media_type

SUMMARY, FRAMES, MARKDOWN, PAGE = 'summary.json', 'metrics.csv', 'report.md', 'report.html'
CONFUSION = 'confusion.png'
COLUMNS = (*label_scores.COLUMNS, *depth_scores.COLUMNS, *depth_scores.SCALED_COLUMNS)

_SHOWN = 3
_JPEG_QUALITY = 82


@dataclass(frozen=True)
class Shown:
    """A frame of the page: its name, its figures in words, and its picture as a data URI."""

    name: str
    figures: str
    picture: str


def write_report(
    folder: Path,
    result: Result,
    network: Network,
    dataset: Dataset,
    *,
    title: str = '',
    facts: Mapping[str, str] | None = None,
    indices: Sequence[int] | None = None,
) -> None:
    """
    Write summary.json, metrics.csv, report.md, report.html and the confusion as a picture.

    Each is whole or not there; files of an earlier report are replaced. The best and the worst
    frames, by pixel accuracy or without labels by AbsRel, are computed once more to be drawn.

    :param title: What was measured, in a few words.
    :param facts: More of what was measured, by name: of the summary and the first table.
    :param indices: As for evaluate.
    """
    summary = {**result.summary(), 'measured': dict(facts or {})}
    run_folder.write_json(folder / SUMMARY, summary)
    run_folder.write_bytes(folder / FRAMES, rows_csv(result).encode())
    shown = tables(summary)
    text = _markdown(title or result.facts.name, shown)
    run_folder.write_bytes(folder / MARKDOWN, text.encode())
    picture = _confusion(folder, result)
    chosen = list(range(len(dataset)) if indices is None else indices)
    best, worst = extremes(result)
    page = _page(
        title or result.facts.name,
        shown,
        picture,
        best=[_show(result, network, dataset, chosen, index) for index in best],
        worst=[_show(result, network, dataset, chosen, index) for index in worst],
    )
    run_folder.write_bytes(folder / PAGE, page.encode())


def _confusion(folder: Path, result: Result) -> str:
    """Write the picture of the confusion, and give it as a data URI; '' without labels."""
    counts = result.confusion()
    if counts is None or result.evaluated is None:
        return ''
    drawn = confusion_picture(counts, [item.name for item in result.evaluated.classes])
    content = encode_png(drawn)
    run_folder.write_bytes(folder / CONFUSION, content)
    return _data_uri('png', content)


def rows_csv(result: Result) -> str:
    """Write a line for every image; a figure that is unknown is empty."""
    known = [name for name in COLUMNS if any(name in row for row in result.rows)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(('name', *known))
    for name, row in zip(result.names, result.rows, strict=True):
        values = (row.get(column, math.nan) for column in known)
        writer.writerow((name, *('' if math.isnan(item) else f'{item:.6g}' for item in values)))
    return text.getvalue()


def extremes(result: Result, count: int = _SHOWN) -> tuple[list[int], list[int]]:
    """
    Find the best and the worst images, no image twice.

    :returns: Positions in result.rows, the best first and the worst first.
    """
    # Not mIoU: an image of few classes wins or loses by one of them.
    figure, sign = ('accuracy', -1.0) if result.labels is not None else ('abs_rel', 1.0)
    values = [sign * row.get(figure, math.nan) for row in result.rows]
    order = sorted(
        (index for index, value in enumerate(values) if not math.isnan(value)),
        key=lambda index: values[index],
    )
    best = order[: min(count, (len(order) + 1) // 2)]
    rest = order[len(best) :]
    return best, rest[::-1][:count]


def _show(
    result: Result, network: Network, dataset: Dataset, chosen: Sequence[int], index: int
) -> Shown:
    sample = dataset[chosen[index]]
    found = predict_sample(network, sample, result.options)
    picture = frame_picture(sample, found, result.evaluated, max_m=result.options.depth.max_m)
    row = result.rows[index]
    words = [f'{name} {row[name]:.3f}' for name in ('miou', 'accuracy', 'abs_rel') if name in row]
    return Shown(
        result.names[index], ', '.join(words), _data_uri(*encode_photo(picture, _JPEG_QUALITY))
    )


def _page(title: str, shown: Sequence[Table], confusion: str, **frames: Sequence[Shown]) -> str:
    template = Path(__file__).with_name('report.html.jinja').read_text(encoding='utf-8')
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template).render(
        title=title, tables=shown, confusion=confusion, **frames
    )


def _markdown(title: str, shown: Sequence[Table]) -> str:
    lines = [f'# {title}']
    for table in shown:
        lines += ['', f'## {table.title}', '']
        lines += [table.note, ''] if table.note else []
        lines += [_line(table.columns), _line(['-'] * len(table.columns))]
        lines += [_line(row) for row in table.rows]
    return '\n'.join(lines) + '\n'


def _line(cells: Sequence[str]) -> str:
    return '| ' + ' | '.join(cell.replace('|', r'\|') for cell in cells) + ' |'


def _data_uri(suffix: str, content: bytes) -> str:
    return f'data:{media_type(suffix)};base64,{base64.b64encode(content).decode()}'
