# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The demonstration from an empty folder to what there is to look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
import os
from pathlib import Path
import shutil
from typing import Any

from segformer_ros import bundle, run_folder
from segformer_ros.bags.synced_frames import read_synced_frames, SyncedFrame
from segformer_ros.demo import output_video
from segformer_ros.demo.display import Display
from segformer_ros.demo.drive import run_drive
from segformer_ros.demo.environment import demo_environment
from segformer_ros.demo.input_video import with_images
from segformer_ros.demo.processes import Processes
from segformer_ros.demo.scenario import Scenario

_SHEET_FRAMES = 8
_OURS = ('bag', 'logs', 'summary.json', 'video.mp4', 'contact_sheet.png')


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
    def video(self) -> Path:
        """Camera, labels and depth side by side."""
        return self.folder / 'video.mp4'

    @property
    def sheet(self) -> Path:
        """Single frames with the ground truth below."""
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


@dataclass(frozen=True)
class Show:
    """
    A demonstration that can be run.

    :param model: Name or path of the bundle.
    :param seconds: Longest drive.
    :param rate_hz: Frames per second of the camera.
    :param video: The file that is played, None for the built-in world.
    :param view: Whether to show it in the browser too.
    """

    scenario: Scenario
    outputs: Outputs
    model: str
    seconds: float
    rate_hz: float
    video: Path | None = None
    view: bool = False

    def run(self, display: Display) -> None:
        """
        Drive, then make a video and a sheet of the recording.

        :raises ProcessError: A process fails, or no result comes.
        """
        self.outputs.prepare()
        environment = demo_environment(os.environ, self.outputs.logs / 'ros')
        with Processes(self.outputs.logs, environment) as processes:
            figures = run_drive(
                self.scenario,
                processes,
                display,
                model=self.model,
                seconds=self.seconds,
                bag=self.outputs.bag,
                summary=self.outputs.summary,
                view=self.view,
            )
        stamps = output_video.write_video(
            self.outputs.video,
            self._frames(('image', 'labels', 'depth')),
            rate_hz=self.rate_hz,
            progress=lambda count: display.status(f'writing the video: frame {count}'),
        )
        if not stamps:
            raise ValueError(f'the recording {self.outputs.bag} has no complete frame')
        display.status('making the contact sheet')
        chosen = output_video.evenly(stamps, _SHEET_FRAMES)
        frames = (item for item in self._frames(chosen=chosen) if item.stamp_ns in chosen)
        output_video.write_sheet(self.outputs.sheet, frames, columns=2)
        display.line(_result(figures, self.video is not None))
        display.line(figures['network'])
        if self.video is not None:
            display.line(bundle.read(bundle.find(self.model)).manifest.training_data())
        display.line(_places(self.outputs))

    def _frames(
        self, fields: tuple[str, ...] = (), *, chosen: frozenset[int] | None = None
    ) -> Iterator[SyncedFrame]:
        """Read the recording; fields are those to read, none are all."""
        topics = {
            name: topic
            for name, topic in self.scenario.recorded.items()
            if name in fields or not fields
        }
        if self.video is None:
            return read_synced_frames(self.outputs.bag, topics, chosen)
        return with_images(self.video, read_synced_frames(self.outputs.bag, topics))


def _result(figures: Mapping[str, Any], is_video: bool) -> str:
    latency = figures['times_ms'].get('latency')
    inputs, outputs = figures['inputs'], figures['outputs']
    rate = f'{outputs["frames"] / figures["seconds"]:.1f} frames/s'
    frames = f'{outputs["frames"]} frames'
    if is_video and inputs['frames'] > outputs['frames']:
        frames = f'{outputs["frames"]} of {inputs["frames"]} frames'
        rate += '; the others gave way to newer ones'
    parts = [
        f'{frames} in {figures["seconds"]:.0f} s ({rate})',
        f'latency {latency["p50"]:.0f} ms (p99 {latency["p99"]:.0f} ms)' if latency else '',
    ]
    if not is_video:
        segmentation, depth = figures['segmentation'], figures['depth']
        parts += [
            f'mIoU {_number(segmentation["miou"], 3)}',
            f'AbsRel {_number(depth["abs_rel"], 3)}',
            f'delta1 {_number(depth["delta1"], 3)}',
        ]
    return ', '.join(part for part in parts if part)


def _places(outputs: Outputs) -> str:
    size = sum(item.stat().st_size for item in outputs.bag.rglob('*') if item.is_file())
    rows = (
        ('video', outputs.video),
        ('contact sheet', outputs.sheet),
        ('figures', outputs.summary),
        (f'bag, {size / 1e6:.0f} MB', outputs.bag),
        ('logs', outputs.logs),
    )
    return '\n'.join(f'  {name:<14} {path}' for name, path in rows)


def _number(value: float | None, digits: int) -> str:
    return '-' if value is None else f'{value:.{digits}f}'
