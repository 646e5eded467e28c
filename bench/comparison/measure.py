# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One case from the export to its figures: all candidates are loaded, and then take turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from segformer_ros.benchmark import ros2_benchmark_metrics, spread

from comparison import arithmetic, figures
from comparison.candidates import Entry, OURS
from comparison.case import Case
from comparison.child import Child, ChildError, PEAK
from comparison.field import Field

# Short candidates get several calls in a turn, whose first one finds cold caches.
_TURN_S = 0.2
_MOST_CALLS = 5
# Of who is loaded again; ONNX Runtime takes all of its memory in the second run only.
_WARM_UP = 2

Record = dict[str, Any]
Say = Callable[[str], None]


def run_case(case: Case, entries: Sequence[Entry], repeats: int, say: Say) -> Record:
    """
    Measure everybody on one case.

    :param entries: Who takes part; who cannot be loaded is left out and named.
    :param repeats: Turns of each.
    :returns: 'case', 'peak' and 'candidates', ready for JSON.
    :raises ChildError: The networks could not be exported, or no one could be loaded.
    """
    say(f'{case.name}: exporting')
    _prepare_in_a_process(case)
    peak, field = Child(PEAK, case), Field(case)
    records: dict[str, Record] = {}
    missing: dict[str, str] = {}
    try:
        for entry in entries:
            try:
                records[entry.name] = _first_look(case, entry, field)
            except ChildError as error:
                missing[entry.name] = str(error)
                say(f'  left out: {error}')
                continue
            say(f'  {entry.title}: loaded in {records[entry.name]["load_s"]:.1f} s')
        if not records:
            raise ChildError(f'expected candidates, found none that can be loaded: {missing}')
        times, speeds, failed = _rounds(field, peak, records, repeats, say)
    finally:
        peak.close()
        field.close()
    speed = {name: median(turn[name] for turn in speeds) for name in speeds[0]}
    best = _best(speed, peak.facts)
    for name in failed:
        del records[name]
    for name, record in records.items():
        _add_figures(record, times[name], best)
    return {
        'case': {'model': case.model, 'height': case.height, 'width': case.width},
        'camera': {'height': case.camera_h, 'width': case.camera_w},
        'matmul_gflops': speed,
        'peak_gflops': best,
        'candidates': list(records.values()),
        'left_out': {**missing, **failed},
    }


def _prepare_in_a_process(case: Case) -> None:
    process = get_context('spawn').Process(target=_prepare, args=(case,))
    process.start()
    process.join()
    if process.exitcode:
        raise ChildError(f'the networks of {case.name} could not be exported, see above')


def _prepare(case: Case) -> None:
    from comparison.prepare import prepare

    prepare(case)


def _first_look(case: Case, entry: Entry, field: Field) -> Record:
    """Warm up, and take what needs one run alone: memory, arithmetic, agreement."""
    child = field.child(entry.name)
    outputs, images = case.folder / 'outputs.npz', case.folder / 'images.npz'
    facts = {**child.facts, **child.ask('network', path=outputs)}
    facts.update(child.ask('images', path=images))
    field.note_need(entry.name, facts['imports_mb'] + facts['whole_mb'])
    files = {'plain': case.plain_graph, 'labels': case.labels_graph}
    graph = files.get(entry.graph) or _our_graph(case, entry)
    return {
        'name': entry.name,
        'title': entry.title,
        'precision': entry.precision,
        'gmacs': arithmetic.gmacs(graph),
        **facts,
        'agreement': _agreement(case, entry.name, outputs, images),
    }


def _our_graph(case: Case, entry: Entry) -> Path:
    from segformer_ros import bundle

    files = bundle.read(case.bundle, verify=False)
    target = entry.name.removeprefix(OURS).partition('_')[0].partition('-')[0]
    return files.file(files.manifest.input_sizes[0].graph(target).file)


def _agreement(case: Case, name: str, outputs: Path, images: Path) -> dict[str, float]:
    way = 'fitted' if name.startswith(OURS) else 'stretched'
    with np.load(case.reference) as expected, np.load(outputs) as raw, np.load(images) as found:
        result = {
            'depth': figures.relative_difference(raw['depth'], expected['depth']),
            'image_labels': figures.share_equal(found['labels'], expected[f'labels_{way}']),
            'image_depth': figures.relative_difference(found['depth'], expected[f'depth_{way}']),
        }
        if 'logits' in raw:
            best = expected['logits'].argmax(axis=1)
            result['logits'] = figures.relative_difference(raw['logits'], expected['logits'])
            result['labels'] = figures.share_equal(raw['logits'].argmax(axis=1), best)
    return result


def _rounds(
    field: Field, peak: Child, records: dict[str, Record], repeats: int, say: Say
) -> tuple[dict[str, list[tuple[float, ...]]], list[dict[str, float]], dict[str, str]]:
    """Let everybody run in turns; the order moves by one from round to round."""
    failed: dict[str, str] = {}
    names = list(records)
    calls = {
        name: max(1, min(_MOST_CALLS, round(_TURN_S / records[name]['whole_s']))) for name in names
    }
    times: dict[str, list[tuple[float, ...]]] = {name: [] for name in names}
    speeds = []
    for number in range(repeats):
        first = number % len(names)
        speeds.append(peak.ask('turn'))
        for name in names[first:] + names[:first]:
            if name in failed:
                continue
            try:
                turn = _turn(field, name, calls[name])
            except ChildError as error:
                failed[name] = str(error)
                say(f'  left out: {error}')
                continue
            times[name].append(tuple(median(part) for part in zip(*turn, strict=True)))
        say(f'  round {number + 1} of {repeats}')
    return times, speeds, failed


def _turn(field: Field, name: str, calls: int) -> list[tuple[float, ...]]:
    fresh = not field.is_loaded(name)
    child = field.child(name)
    if fresh:
        child.ask('turn', calls=_WARM_UP)
    turn: list[tuple[float, ...]] = child.ask('turn', calls=calls)
    return turn


def _best(speed: dict[str, float], precisions: dict[str, str]) -> dict[str, float]:
    """Return the speed of the fastest engine of each precision."""
    best: dict[str, float] = {}
    for name, value in speed.items():
        best[precisions[name]] = max(value, best.get(precisions[name], 0.0))
    return best


def _add_figures(record: Record, turns: list[tuple[float, ...]], best: dict[str, float]) -> None:
    names = ('whole', 'network', 'whole_processor', 'network_processor')
    columns = dict(zip(names, zip(*turns, strict=True), strict=True))
    for name, values in columns.items():
        record[name] = asdict(spread(values))
    record['ros2_benchmark'] = ros2_benchmark_metrics(columns['whole'])
    speed = 2.0 * record['gmacs'] / record['network']['median_ms'] * 1000.0
    record['gflops'] = speed
    record['share_of_peak'] = speed / best.get(record['precision'], best['float32'])
    record['turns_s'] = columns
