# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The live part of the demonstration: all nodes run, a table tells how well."""

from __future__ import annotations

import json
from pathlib import Path
import re
import time
from typing import Any

from segformer_ros import run_folder
from segformer_ros.demo.display import Display
from segformer_ros.demo.processes import ProcessError, Processes
from segformer_ros.demo.scenario import ros_arguments, Scenario
from segformer_ros.evaluation.live_statistics import header

SEGFORMER, EVALUATION, RECORDER = 'segformer_node', 'evaluation_node', 'recorder_node'
VIEWER = 'viewer_node'

LARGEST_BAG = 2_000_000_000

# Compiling the world takes half a minute of a CPU, which a busy machine has after minutes alone.
_PATIENCE_S = 600.0
_PAGE = 'http://'
_REFUSED = 'cannot be configured'
_NETWORK = re.compile(r'\]: (\S+ for [a-z ]+ on .+)')
_ROW = re.compile(r' *\d+( +[\d.]+| +-){4,8}')


def run_drive(
    scenario: Scenario,
    processes: Processes,
    display: Display,
    *,
    model: str,
    seconds: float,
    bag: Path,
    summary: Path,
    view: bool = False,
) -> dict[str, Any]:
    """
    Start the nodes, show the table, and end them in order.

    :param model: Name or path of the bundle.
    :param seconds: Length of the drive from the first result on; it ends earlier with its source.
    :param bag: Where the recording goes.
    :param summary: Where the evaluation writes its figures.
    :param view: Whether to show it in the browser too.
    :returns: The figures.
    :raises ProcessError: A process fails, or no result comes.
    """
    inputs = {'image': scenario.image, 'camera_info': scenario.camera_info}
    processes.start_node(RECORDER, ros_arguments(_recording(scenario, bag)))
    segformer = {'model': model, **scenario.segformer_parameters}
    processes.start_node(SEGFORMER, ros_arguments(segformer, inputs))
    evaluated = {
        'ground_truth': scenario.ground_truth,
        'duration_s': float(seconds),
        'summary': str(summary),
    }
    remapped = {'camera_info': scenario.camera_info}
    processes.start_node(EVALUATION, ros_arguments(evaluated, remapped))
    if view:
        shown = {'ground_truth': scenario.ground_truth}
        processes.start_node(VIEWER, ros_arguments(shown, inputs))
    if scenario.waits_for_recorder:
        _wait_for_recorder(scenario, processes, display)
    namespace = {'__ns': scenario.source_namespace}
    processes.start_node(scenario.source, ros_arguments(scenario.source_parameters, namespace))
    _watch(scenario, processes, display, bag)
    # The recorder last: it takes what the others still have to say.
    for name in (EVALUATION, *((VIEWER,) if view else ()), scenario.source, SEGFORMER, RECORDER):
        processes.end(name)
    if not summary.is_file():
        raise ProcessError(f'no frame was evaluated: look into {processes.logs}')
    figures: dict[str, Any] = json.loads(summary.read_text())
    figures['network'] = _network(processes.logs / f'{SEGFORMER}.log')
    run_folder.write_json(summary, figures)
    return figures


def _network(log: Path) -> str:
    """Return what the node said of its network and backend; empty where it said nothing."""
    found = _NETWORK.findall(log.read_text(encoding='utf-8', errors='replace'))
    return str(found[-1]) if found else ''


def _wait_for_recorder(scenario: Scenario, processes: Processes, display: Display) -> None:
    """Wait until the recorder takes the results; on a busy computer that is seconds."""
    start = time.monotonic()
    while time.monotonic() - start < _PATIENCE_S:
        processes.check()
        display.status(f'{time.monotonic() - start:3.0f} s: {scenario.preparing}')
        said = _next_line(processes, display)
        if said is not None and said[0] == RECORDER and 'recording' in said[1]:
            return
    raise ProcessError(f'nothing to record came within {_PATIENCE_S:.0f} s: {_advice(processes)}')


def _recording(scenario: Scenario, bag: Path) -> dict[str, Any]:
    # As MCAP: sqlite3 reads the whole recording once more when it ends.
    topics = [*scenario.recorded.values(), *scenario.also_recorded]
    return {'topics': topics, 'output': str(bag), 'storage': 'mcap'}


def _watch(scenario: Scenario, processes: Processes, display: Display, bag: Path) -> None:
    """Show what the evaluation says until it or the source has ended."""
    start = time.monotonic()
    row = ''
    may_end = {EVALUATION, scenario.source}
    waiting = 'waiting for the first result' if scenario.waits_for_recorder else scenario.preparing
    while not processes.ended(EVALUATION) and not processes.ended(scenario.source):
        processes.check(may_end)
        said = _next_line(processes, display)
        if said is not None and said[0] == EVALUATION and _is_row(said[1]):
            if not row:
                display.line(header(ground_truth=scenario.ground_truth))
            row = said[1]
            display.status(row)
        elif not row:
            elapsed = time.monotonic() - start
            if elapsed > _PATIENCE_S:
                raise ProcessError(f'no result came within {elapsed:.0f} s: {_advice(processes)}')
            display.status(f'{elapsed:3.0f} s: {waiting}')
        if RECORDER not in may_end and _recorded(bag) > LARGEST_BAG:
            may_end.add(RECORDER)
            processes.end(RECORDER)
            display.keep()
            display.line(f'The recording ends here, at {LARGEST_BAG / 1e9:.1f} GB.')
    display.keep()


def _advice(processes: Processes) -> str:
    return (
        f'look into {processes.logs}; on a busy computer start it again, what was compiled is kept'
    )


def _next_line(processes: Processes, display: Display) -> tuple[str, str] | None:
    """Hear the processes; the network's node lives on without a network, and only says so."""
    said = processes.next_line(0.2)
    if said is not None and said[0] == VIEWER and _PAGE in said[1]:
        display.line(f'In the browser: {said[1][said[1].index(_PAGE) :]}')
    if said is not None and said[0] == SEGFORMER and _REFUSED in said[1]:
        raise ProcessError(f'{SEGFORMER} {said[1][said[1].index(_REFUSED) :]}')
    return said


def _recorded(bag: Path) -> int:
    """Return the size of the recording, which has another name until it is whole, in bytes."""
    files = run_folder.temporary_name(bag).rglob('*')
    return sum(item.stat().st_size for item in files if item.is_file())


def _is_row(text: str) -> bool:
    return _ROW.fullmatch(text) is not None
