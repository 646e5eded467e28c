# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The results as text: markdown tables for people and what they are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from comparison import figures
from comparison.requirements import requirements

EAGER, PLAIN = 'hf_eager', 'plain_onnxruntime'
Record = dict[str, Any]


def markdown(results: Record) -> str:
    """
    Write all tables.

    :param results: 'machine', 'versions', 'command', 'repeats', 'cases' and 'trained'.
    """
    machine = results['machine']
    versions = ', '.join(f'{name} {version}' for name, version in results['versions'].items())
    parts = [
        f'{machine["processor"]}, {machine["cores"]} cores, one of them used, one thread; '
        f'{machine["system"]}; {versions}.',
        f'Commit {machine["commit"]}, {results["date"]}: `{results["command"]}`; medians (first '
        f'to third quartile) of {results["repeats"]} turns.',
    ]
    for case in results['cases']:
        parts += _case(case)
    parts += _trained(results.get('trained'))
    rows = [
        [
            item.text,
            f'{item.found:.5g}',
            '' if item.by_processor is None else f'{item.by_processor:.2f}',
            f'{">=" if item.at_least else "<="} {item.limit:g}',
            'yes' if item.holds else 'NO',
        ]
        for item in requirements(results)
    ]
    if rows:
        heads = ['what', 'found', 'by CPU time', 'asked for', 'reached']
        parts += ['### What is asked for', table(heads, rows)]
    return '\n\n'.join(parts) + '\n'


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a markdown table; all columns but the first are numbers."""
    rule = ['---'] + ['---:'] * (len(heads) - 1)
    lines = [heads, rule, *rows]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


def _case(case: Record) -> list[str]:
    size, camera, peak = case['case'], case['camera'], case['peak_gflops']
    records = case['candidates']
    title = f'{size["model"].upper()}, {size["height"]}x{size["width"]}'
    peaks = ', '.join(f'{value:.0f} GFLOP/s in {name}' for name, value in peak.items())
    left_out = [f'Left out: {reason}.' for reason in case['left_out'].values()]
    return [
        f'### {title}: the network alone',
        f'Fastest product of two matrices on this machine: {peaks}.',
        _network(records),
        f'### {title}: {camera["width"]}x{camera["height"]} bgr8 to label and depth images',
        _whole(records),
        *left_out,
    ]


def _network(records: Sequence[Record]) -> str:
    eager, plain = (figures.ratio(records, name, 'network') for name in (EAGER, PLAIN))
    heads = [
        'candidate', 'ms', 'CPU time, ms', 'times HF eager', 'times plain ONNX Runtime',
        'peak memory, MB', 'GMAC', 'share of peak', 'logits differ', 'depth differs',
        'labels equal',
    ]  # fmt: skip
    rows = []
    for item in records:
        agreement = item['agreement']
        rows.append(
            [
                item['title'],
                _time(item['network']),
                f'{item["network_processor"]["median_ms"]:.1f}',
                _times(eager, item),
                _times(plain, item),
                f'{item["network_mb"]:.0f}',
                f'{item["gmacs"]:.2f}',
                f'{100.0 * item["share_of_peak"]:.0f} %',
                _small(agreement.get('logits')),
                _small(agreement['depth']),
                _percent(agreement.get('labels')),
            ]
        )
    return table(heads, rows)


def _whole(records: Sequence[Record]) -> str:
    eager, plain = (figures.ratio(records, name, 'whole') for name in (EAGER, PLAIN))
    heads = [
        'candidate', 'ms', 'CPU time, ms', 'times HF eager', 'times plain ONNX Runtime',
        'Mean Frame Rate (fps)', 'Mean End-to-End Latency (ms)', 'peak memory, MB',
        'depth differs', 'labels equal',
    ]  # fmt: skip
    rows = []
    for item in records:
        names = item['ros2_benchmark']
        rows.append(
            [
                item['title'],
                _time(item['whole']),
                f'{item["whole_processor"]["median_ms"]:.1f}',
                _times(eager, item),
                _times(plain, item),
                f'{names["Mean Frame Rate (fps)"]:.2f}',
                f'{names["Mean End-to-End Latency (ms)"]:.1f}',
                f'{item["whole_mb"]:.0f}',
                _small(item['agreement']['image_depth']),
                _percent(item['agreement']['image_labels']),
            ]
        )
    return table(heads, rows)


def _trained(facts: Record | None) -> list[str]:
    if not facts or not facts['backends']:
        return []
    rows = [
        [
            name,
            _percent(item['labels']),
            f'{100.0 * item["depth_median"]:.3f} %',
            f'{100.0 * item["depth_p99"]:.2f} %',
        ]
        for name, item in facts['backends'].items()
    ]
    left_out = [f'Left out: {name}.' for name in facts['left_out']]
    return [
        f'### {facts["model"]} on {facts["frames"]} frames of the built-in world, compared with '
        f'{facts["reference"]}',
        table(['backend', 'labels equal', 'depth differs, median', '99th percentile'], rows),
        *left_out,
    ]


def _time(summary: dict[str, float]) -> str:
    return f'{summary["median_ms"]:.1f} ({summary["q1_ms"]:.1f} to {summary["q3_ms"]:.1f})'


def _times(ratios: dict[str, float], item: Record) -> str:
    return f'{ratios[item["name"]]:.2f}' if ratios else ''


def _small(value: float | None) -> str:
    return '' if value is None else f'{value:.1e}'


def _percent(share: float | None) -> str:
    if share is None:
        return ''
    # Never rounded up to all.
    return '100 %' if share == 1.0 else f'{min(100.0 * share, 99.9999):.4f} %'
