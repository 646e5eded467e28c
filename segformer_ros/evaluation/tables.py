# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The figures of a measurement as tables of text, for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

_LABELS = {
    'miou': 'mIoU',
    'accuracy': 'pixel accuracy (aAcc)',
    'mean_accuracy': 'mean class accuracy (mAcc)',
    'frequency_weighted_iou': 'frequency-weighted IoU',
    'boundary_f': 'boundary F',
}
_DEPTH = {
    'abs_rel': 'AbsRel',
    'sq_rel': 'SqRel [m]',
    'mae': 'MAE [m]',
    'mse': 'MSE [m2]',
    'rmse': 'RMSE [m]',
    'irmse': 'iRMSE [1/km]',
    'rmse_log': 'log RMSE',
    'log10': 'log10',
    'delta1': 'delta1',
    'delta2': 'delta2',
    'delta3': 'delta3',
    'silog_kitti': 'SILog, KITTI and SHIFT: 100 sqrt(M - m2)',
    'silog_bts': 'SILog, BTS: 10 sqrt(M - 0.85 m2)',
    'silog_glpn': 'SILog, GLPN: sqrt(M - 0.5 m2)',
    'silog_eigen': 'SILog, Eigen: M - 0.5 m2',
    'silog_eigen_x100': 'SILog, Eigen, times 100',
    'silog_raw25': 'SILog: M - 0.25 m2',
    'coverage': 'share of the ground truth with a prediction',
}
_SHORT = ('abs_rel', 'rmse', 'silog_kitti', 'delta1')
_SHORT_NAMES = ('AbsRel', 'RMSE [m]', 'SILog (KITTI)', 'delta1', 'pixels')
_POOLED, _MEAN = 'all pixels together', 'mean of images'


class Table(NamedTuple):
    """A table: its title, a sentence or nothing, the heads of its columns, and rows of cells."""

    title: str
    note: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def tables(summary: Mapping[str, Any]) -> list[Table]:
    """
    Lay the figures out.

    :param summary: As of Result.summary().
    """
    result = [_how(summary)]
    if 'miou' in summary:
        result += [_labels(summary), _classes(summary)]
    if 'abs_rel' in summary:
        result += [_depth(summary), *_parts(summary), *_confidence(summary)]
    return result


def drive_tables(summary: Mapping[str, Any]) -> list[Table]:
    """
    Lay the figures of a drive out.

    :param summary: As of DriveEvaluation.summary().
    """
    labels, depth = summary['segmentation'], summary['depth']
    boundary = labels['boundary_f_by_class']
    classes = [
        (name, number(iou), number(boundary.get(name))) for name, iou in labels['iou'].items()
    ]
    names = {**_LABELS, 'flicker': 'flicker'}
    return [
        Table('Labels', '', ('', _POOLED), [(names[i], number(labels[i])) for i in names]),
        Table('Classes', '', ('', 'IoU', 'boundary F'), classes),
        Table('Depth', '', ('', _POOLED), [(t, number(depth[i])) for i, t in _DEPTH.items()]),
    ]


def _how(summary: Mapping[str, Any]) -> Table:
    inference = summary['inference']
    rows = [('network', summary['network']), *summary.get('measured', {}).items()]
    rows.append(('images', str(summary['frames'])))
    rows += [
        (name, text(value))
        for name, value in inference.items()
        if value is not None and value is not False
    ]
    return Table('What was measured', '', ('', ''), rows)


def _labels(summary: Mapping[str, Any]) -> Table:
    note = 'mIoU is the mean over the classes that occur in the ground truth.'
    if summary['not_evaluated']:
        note += f' Not evaluated: {", ".join(summary["not_evaluated"])}.'
    rows = [
        (title, number(summary[name]), number(summary.get(f'{name}_per_image')))
        for name, title in _LABELS.items()
        if name in summary
    ]
    return Table('Labels', note, ('', _POOLED, _MEAN), rows)


def _classes(summary: Mapping[str, Any]) -> Table:
    boundary = summary.get('boundary_f_by_class', {})
    rows = [
        (name, number(iou), number(summary['class_accuracy'][name]), number(boundary.get(name)))
        for name, iou in summary['iou'].items()
    ]
    return Table('Classes', '', ('', 'IoU', 'accuracy', 'boundary F'), rows)


def _depth(summary: Mapping[str, Any]) -> Table:
    low, high = summary['depth_range_m']
    scaled = summary['depth_median_scaled']
    note = (
        f'Ground truth from {low:g} to {high:g} m, crop: {summary["depth_crop"]}, predictions '
        f'{"clipped to the range" if summary["depth_clipped"] else "as they are"}. '
        'M is the mean of squares and m the mean of ln prediction - ln truth. Median-scaled: '
        'every image was multiplied by median truth / median prediction first '
        f'({number(scaled["factor_mean"])} on average, standard deviation '
        f'{number(scaled["factor_std"])}).'
    )
    names = [
        (title, name, name if name == 'coverage' else f'{name}_per_image')
        for name, title in _DEPTH.items()
    ]
    rows = [
        (
            title,
            number(summary[name]),
            number(summary[each]) if name != each else '',
            number(scaled[name]),
            number(scaled[each]) if name != each else '',
        )
        for title, name, each in names
    ]
    heads = ('', _POOLED, _MEAN, f'median-scaled, {_POOLED}', f'median-scaled, {_MEAN}')
    return Table('Depth', note, heads, rows)


def _parts(summary: Mapping[str, Any]) -> Iterable[Table]:
    for name, title in (
        ('depth_by_distance', 'Depth by distance'),
        ('depth_by_class', 'Depth by class'),
    ):
        parts = summary[name]
        if parts:
            rows = [
                (part, *(number(figures[item]) for item in _SHORT), f'{figures["pixels"]:.0f}')
                for part, figures in parts.items()
            ]
            note = 'All pixels together, not scaled.'
            yield Table(title, note, ('', *_SHORT_NAMES), rows)


def _confidence(summary: Mapping[str, Any]) -> Iterable[Table]:
    found = summary.get('depth_confidence')
    if not found or not found['parts']:
        return
    note = (
        'Confidence is the stated probability that depth is within a factor of '
        f'{found["factor"]:g} of the ground truth; right is the share of pixels where it is. '
        f'Mean difference of both: {number(found["error"])}.'
    )
    rows = [
        (
            f'{part["from"]:.1f} to {part["to"]:.1f}',
            *(number(part[name]) for name in ('stated', 'right', 'share')),
            f'{part["count"]:.0f}',
        )
        for part in found['parts']
    ]
    rows.append(
        ('all', number(found['stated']), number(found['right']), '', f'{found["count"]:.0f}')
    )
    columns = ('', 'confidence', 'right', 'share of pixels', 'pixels')
    yield Table('Depth confidence', note, columns, rows)


def console(found: Iterable[Table]) -> str:
    """Return tables as lines of text."""
    lines = []
    for table in found:
        lines += ['', table.title]
        rows = [*([table.columns] if any(table.columns) else []), *table.rows]
        widths = [max(len(row[index]) for row in rows) for index in range(len(table.columns))]
        for row in rows:
            cells = [row[0].ljust(widths[0])]
            cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
            lines.append('  ' + '  '.join(cells).rstrip())
    return '\n'.join(lines[1:])


def number(value: float | None) -> str:
    """Write a figure: four decimals, or none where it is large; '-' for None."""
    if value is None:
        return '-'
    return f'{value:.0f}' if abs(value) >= 1000.0 else f'{value:.4f}'


def text(value: Any) -> str:
    """Write a setting."""
    if isinstance(value, (tuple, list)):
        return (
            'x'.join(str(item) for item in value)
            if len(value) == 2
            else ', '.join(str(item) for item in value)
        )
    return 'yes' if value is True else str(value)
