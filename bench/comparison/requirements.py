# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the project asks of itself, and what a run has found of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from comparison.candidates import OURS

# On which case, and how many times faster than Hugging Face's eager pipeline and than the plain
# graph on ONNX Runtime.
_CASE = {'model': 'b0', 'height': 512, 'width': 1024}
_NETWORK = (
    ('onnxruntime', 'float32', 6.5, 2.4),
    ('openvino', 'float32', 8.0, 3.0),
    ('openvino', 'bfloat16', 11.0, 4.0),
)
_WHOLE = (11.0, 5.0)
_EAGER, _PLAIN = 'hf_eager', 'plain_onnxruntime'
_MOST_ARITHMETIC = 0.41
_MOST_MEMORY = 0.5
_LEAST_LABELS = 0.999

Record = dict[str, Any]


@dataclass(frozen=True)
class Requirement:
    """One limit and the figure of a run; by_processor is the ratio of the CPU's times."""

    text: str
    found: float
    limit: float
    by_processor: float | None = None
    at_least: bool = True

    @property
    def holds(self) -> bool:
        """Whether the figure keeps to the limit."""
        return self.found >= self.limit if self.at_least else self.found <= self.limit


def requirements(results: Record) -> list[Requirement]:
    """Compare what has limits with them; empty where it did not run with both baselines."""
    found: list[Requirement] = []
    for case in results['cases']:
        records = {item['name']: item for item in case['candidates']}
        if case['case'] == _CASE and {_EAGER, _PLAIN} <= records.keys():
            found += _of_case(records)
    trained = results.get('trained') or {'backends': {}}
    for name, item in trained['backends'].items():
        what = f'{name}: equal labels of {trained["model"]}'
        found.append(Requirement(what, item['labels'], _LEAST_LABELS))
    return found


def _of_case(records: dict[str, Record]) -> Iterator[Requirement]:
    ours = [item for name, item in records.items() if name.startswith(OURS)]
    plain = records[_PLAIN]
    for engine, precision, least_eager, least_plain in _NETWORK:
        for item in ours:
            if engine in item['name'] and item['precision'] == precision:
                what = f'{item["title"]}: network'
                yield from _faster(what, item, records, 'network', (least_eager, least_plain))
    if not ours:
        return
    best = min(ours, key=lambda item: float(item['whole']['median_ms']))
    yield from _faster(f'{best["title"]}: camera to images', best, records, 'whole', _WHOLE)
    for item in ours:
        what = f'{item["title"]}: arithmetic of the plain graph'
        yield Requirement(what, item['gmacs'] / plain['gmacs'], _MOST_ARITHMETIC, at_least=False)
    for item in ours:
        share = item['network_mb'] / plain['network_mb']
        what = f'{item["title"]}: peak memory of the plain graph on ONNX Runtime'
        yield Requirement(what, share, _MOST_MEMORY, at_least=False)


def _faster(
    what: str, item: Record, records: dict[str, Record], key: str, limits: tuple[float, float]
) -> Iterator[Requirement]:
    for name, words, limit in zip(
        (_EAGER, _PLAIN), ('Hugging Face eager', 'plain ONNX Runtime'), limits, strict=True
    ):
        found, by_processor = (
            records[name][part]['median_ms'] / item[part]['median_ms']
            for part in (key, f'{key}_processor')
        )
        yield Requirement(f'{what}, times {words}', found, limit, by_processor)
