# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The demonstration from an empty folder to what there is to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import os
from pathlib import Path
import shutil
from typing import Any

from segformer_ros import run_folder
from segformer_ros.demo import film
from segformer_ros.demo.display import Display
from segformer_ros.demo.drive import run_drive
from segformer_ros.demo.environment import demo_environment
from segformer_ros.demo.moments import read_moments
from segformer_ros.demo.processes import Processes
from segformer_ros.demo.scenario import Scenario

_MOMENTS = 8
_OURS = ('bag', 'logs', 'summary.json', 'film.mp4', 'contact_sheet.png')


@dataclass(frozen=True)
class Outputs:
    """What a demonstration leaves in its folder."""

    folder: Path

    @property
    def logs(self) -> Path:
        """The folder with one log for every process."""
        return self.folder / 'logs'

    @property
    def bag(self) -> Path:
        """The recording."""
        return self.folder / 'bag'

    @property
    def summary(self) -> Path:
        """The figures, as JSON."""
        return self.folder / 'summary.json'

    @property
    def film(self) -> Path:
        """Camera, labels and depth side by side."""
        return self.folder / 'film.mp4'

    @property
    def sheet(self) -> Path:
        """Single moments with the truth below."""
        return self.folder / 'contact_sheet.png'

    def prepare(self) -> None:
        """
        Make the folder, or empty it if an earlier demonstration made it.

        :raises RunFolderError: It holds the files of something else.
        """
        run_folder.claim(self.folder, {'command': 'demo'})
        for name in _OURS:
            path = self.folder / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        self.logs.mkdir()


def show_world(
    scenario: Scenario,
    outputs: Outputs,
    display: Display,
    *,
    model: str,
    seconds: float,
    rate_hz: float,
) -> None:
    """
    Drive through the built-in world, then make a film and a sheet of the recording.

    :raises ProcessError: A process fails, or no result comes.
    """
    outputs.prepare()
    environment = demo_environment(os.environ, outputs.logs)
    with Processes(outputs.logs, environment) as processes:
        figures = run_drive(
            scenario,
            processes,
            display,
            model=model,
            seconds=seconds,
            bag=outputs.bag,
            summary=outputs.summary,
        )
    shown = {name: scenario.recorded[name] for name in ('image', 'labels', 'depth')}
    stamps = film.write_film(
        outputs.film,
        read_moments(outputs.bag, shown),
        rate_hz=rate_hz,
        progress=lambda count: display.status(f'making the film: frame {count}'),
    )
    display.status('making the contact sheet')
    chosen = film.evenly(stamps, _MOMENTS)
    film.write_sheet(
        outputs.sheet, read_moments(outputs.bag, scenario.recorded, chosen), columns=2
    )
    display.line(_result(figures))
    display.line(_places(outputs))


def _result(figures: Mapping[str, Any]) -> str:
    segmentation, depth = figures['segmentation'], figures['depth']
    latency = figures['times_ms'].get('latency')
    parts = [
        f'{segmentation["frames"]} frames in {figures["seconds"]:.0f} s',
        f'{_number(figures["outputs"]["per_s"], 1)} frames/s',
        f'latency {latency["p50"]:.0f} ms (p99 {latency["p99"]:.0f} ms)' if latency else '',
        f'mIoU {_number(segmentation["miou"], 3)}',
        f'AbsRel {_number(depth["abs_rel"], 3)}',
        f'delta1 {_number(depth["delta1"], 3)}',
    ]
    return ', '.join(part for part in parts if part)


def _places(outputs: Outputs) -> str:
    size = sum(item.stat().st_size for item in outputs.bag.rglob('*') if item.is_file())
    rows = (
        ('film', outputs.film),
        ('contact sheet', outputs.sheet),
        ('figures', outputs.summary),
        (f'bag, {size / 1e6:.0f} MB', outputs.bag),
        ('logs', outputs.logs),
    )
    return '\n'.join(f'  {name:<14} {path}' for name, path in rows)


def _number(value: float | None, digits: int) -> str:
    return '-' if value is None else f'{value:.{digits}f}'
