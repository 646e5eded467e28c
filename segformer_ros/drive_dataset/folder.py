# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
A dataset of drives as a folder.

    dataset.json                    classes, splits, pixels of every class
    index.html                      to look at
    SPLIT/ROUTE/images/NAME.png     RGB
    SPLIT/ROUTE/labels/NAME.png     8-bit class ids, 255 is unknown
    SPLIT/ROUTE/depth/NAME.png      metres in 24 bits as CARLA codes them; 1000 m is the sky
    SPLIT/ROUTE/frames.csv          name, stamp, intrinsics and pose of every frame
    SPLIT/ROUTE/preview.jpg         some of the frames

A route is one recording and in one split only: neighbouring frames are nearly equal.
"""

from __future__ import annotations

from collections.abc import Iterable
import csv
from dataclasses import dataclass
import json
from pathlib import Path
import re
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros import carla, draw, interrupts, run_folder
from segformer_ros.drive_dataset.browse import index_page
from segformer_ros.drive_dataset.recording import DriveFrame
from segformer_ros.image_encoding import encode_jpeg
from segformer_ros.labels import label_set, LabelSet
from segformer_ros.workplace import HeldError, Workplace

FORMAT = 'segformer_ros drive dataset 1'
SPLITS = ('train', 'val', 'test')
COLUMNS = (
    'name', 'stamp_ns', 'width', 'height', 'fx', 'fy', 'cx', 'cy', 'x', 'y', 'z', 'qx', 'qy',
    'qz', 'qw',
)  # fmt: skip

_ROUTE = re.compile(r'[\w.-]*\w[\w.-]*')
_PREVIEWS = 6
_PREVIEW_WIDTH = 960


class DatasetError(ValueError):
    """The folder cannot take the drive."""


@dataclass(frozen=True)
class Route:
    """What was written of one drive: pixels by class id, 255 for unknown."""

    split: str
    name: str
    frames: int
    pixels: dict[int, int]


class DatasetFolder:
    """A new or an existing dataset of one label set."""

    def __init__(self, folder: Path, classes: LabelSet) -> None:
        """
        Open or begin a dataset.

        :raises DatasetError: The folder holds something else, or classes of another label set.
        """
        self.folder, self.classes = folder, classes
        self.left: Path | None = None
        """What a process that was killed had left of the route that was added last."""
        path = folder / 'dataset.json'
        if path.is_file():
            self._facts = self._read(path)
        elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise DatasetError(f'expected a dataset or nothing in {folder}, found other files')
        else:
            self._facts = {'format': FORMAT, 'label_set': classes.name, 'routes': []}

    def add(self, split: str, name: str, frames: Iterable[DriveFrame]) -> Route:
        """
        Write a drive; it appears when it is whole.

        What an error, a signal or kill -9 leaves of it stays as NAME.unfinished.

        :param split: One of SPLITS.
        :param name: Of the route, new in this dataset.
        :raises DatasetError: The split or name cannot be taken, or there are no frames.
        """
        self.check(split, name)
        place = self.folder / split / name
        count, pixels = self._make(place, frames)
        route = Route(split, name, count, {int(i): int(pixels[i]) for i in np.flatnonzero(pixels)})
        self._facts['routes'].append(
            {
                'split': split,
                'name': name,
                'frames': count,
                'pixels': {str(number): value for number, value in route.pixels.items()},
            }
        )
        self._write_facts()
        return route

    def _make(
        self, place: Path, frames: Iterable[DriveFrame]
    ) -> tuple[int, npt.NDArray[np.int64]]:
        """Write the route; what an error or a signal leaves of it keeps its frames."""
        workplace = Workplace(place)
        try:
            self.left = workplace.set_aside()
        except HeldError as error:
            raise DatasetError(f'another process is writing {place}: choose another') from error
        try:
            workplace.open()
            count, pixels = _write_route(workplace.folder, frames, self.classes)
            with interrupts.held():
                if count:
                    workplace.finish(workplace.folder)
        except BaseException as error:
            with interrupts.held():
                self._keep(workplace, error)
            raise
        if not count:
            workplace.remove()
            raise DatasetError(
                f'expected frames with their ground truth in {place.name}, found none'
            )
        return count, pixels

    def _keep(self, workplace: Workplace, error: BaseException) -> None:
        if not any((workplace.folder / 'depth').glob('*')):
            workplace.remove()
            return
        kept = workplace.keep()
        if isinstance(error, OSError):
            raise DatasetError(
                f'{workplace.path} cannot be written: {error}; the frames until then are in {kept}'
            ) from error

    def statistics(self) -> dict[str, dict[str, float]]:
        """Return the share of the known pixels that every class has, by split and class name."""
        result = {}
        for split in SPLITS:
            total = np.zeros(256, np.int64)
            for route in self._facts['routes']:
                if route['split'] == split:
                    for number, value in route['pixels'].items():
                        total[int(number)] += value
            known = sum(int(total[item.id]) for item in self.classes.classes)
            if known:
                result[split] = {
                    item.name: int(total[item.id]) / known
                    for item in self.classes.classes
                    if total[item.id]
                }
        return result

    def check(self, split: str, name: str) -> None:
        """
        Check that a route can be added.

        :raises DatasetError: The split is none, or the name cannot be taken.
        """
        if split not in SPLITS:
            raise DatasetError(f'split must be one of {", ".join(SPLITS)}, not {split!r}')
        if not _ROUTE.fullmatch(name):
            raise DatasetError(f'expected letters, digits, ".", "_" and "-" as a route: {name!r}')
        taken = {route['name']: route['split'] for route in self._facts['routes']}
        if name in taken:
            raise DatasetError(
                f'route {name} is in {self.folder} ({taken[name]}) already: a drive must not be '
                'there twice; choose another folder'
            )
        if (self.folder / split / name).exists():
            raise DatasetError(
                f'{self.folder / split / name} is there, but not in dataset.json: delete it'
            )

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            facts = json.loads(path.read_text(encoding='utf-8'))
        except ValueError as error:
            raise DatasetError(f'expected JSON in {path}: {error}') from error
        if not isinstance(facts, dict) or facts.get('format') != FORMAT:
            raise DatasetError(f'expected a {FORMAT} in {path}, found another format')
        if facts['label_set'] != self.classes.name:
            raise DatasetError(
                f'{self.folder} has the classes of {facts["label_set"]}, the drive those of '
                f'{self.classes.name}: choose another folder'
            )
        return facts

    def _write_facts(self) -> None:
        classes = [
            {'id': item.id, 'name': item.name, 'color': list(item.color)}
            for item in label_set(self.classes.name).classes
        ]
        shares = self.statistics()
        self._facts |= {'classes': classes, 'shares': shares}
        run_folder.write_json(self.folder / 'dataset.json', self._facts)
        page = index_page(self._facts['routes'], shares, self.classes)
        run_folder.write_bytes(self.folder / 'index.html', page.encode())


def _write_route(
    folder: Path, frames: Iterable[DriveFrame], classes: LabelSet
) -> tuple[int, npt.NDArray[np.int64]]:
    for name in ('images', 'labels', 'depth'):
        (folder / name).mkdir(parents=True)
    pixels, count, previews = np.zeros(256, np.int64), 0, []
    with (folder / 'frames.csv').open('w', encoding='utf-8', newline='') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(COLUMNS)
        for frame in frames:
            name = f'{count:06d}'
            bgr = cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR)
            _write_png(folder / 'images' / f'{name}.png', np.asarray(bgr, np.uint8))
            _write_png(folder / 'labels' / f'{name}.png', frame.labels)
            code = carla.encode_depth_code(frame.depth)[..., :3]
            _write_png(folder / 'depth' / f'{name}.png', code)
            writer.writerow((name, frame.stamp_ns, *_geometry(frame)))
            # The frame survives this process.
            file.flush()
            pixels += np.bincount(frame.labels.reshape(-1), minlength=256)
            # Powers of two apart: some of every length of drive, without knowing it.
            if count & (count - 1) == 0:
                previews.append(_preview(frame, classes))
            count += 1
    if previews:
        sheet = draw.contact_sheet(previews[-_PREVIEWS:], 1)
        (folder / 'preview.jpg').write_bytes(encode_jpeg(sheet, 95))
    return count, pixels


def _geometry(frame: DriveFrame) -> list[str]:
    height, width = frame.labels.shape
    intrinsics = ['', '', '', '']
    if frame.k is not None:
        intrinsics = [f'{frame.k[index]:.9g}' for index in (0, 4, 2, 5)]
    pose = [''] * 7 if frame.pose is None else [f'{value:.9g}' for value in frame.pose]
    return [str(width), str(height), *intrinsics, *pose]


def _preview(frame: DriveFrame, classes: LabelSet) -> npt.NDArray[np.uint8]:
    panels = draw.side_by_side(frame.image, frame.labels, frame.depth, classes.classes)
    return draw.fitted(panels, _PREVIEW_WIDTH, 2 * _PREVIEW_WIDTH)


def _write_png(path: Path, pixels: npt.NDArray[np.uint8]) -> None:
    """Write an image; the folder as a whole is renamed when it is complete."""
    done, data = cv2.imencode('.png', pixels, (cv2.IMWRITE_PNG_COMPRESSION, 3))
    if not done:
        raise DatasetError(f'{path} cannot be written')
    path.write_bytes(data.tobytes())
