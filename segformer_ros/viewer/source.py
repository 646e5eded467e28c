# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images, videos and the results of a run as frames of a scene, through the network if needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
import json
from pathlib import Path
from typing import Any
import warnings

import numpy as np
import numpy.typing as npt
from segformer_ros import run_folder
from segformer_ros.bags.storage import message_files
from segformer_ros.bundle import RELATIVE
from segformer_ros.files import images
from segformer_ros.files.results import Results
from segformer_ros.files.video import VideoReader
from segformer_ros.labels import LabelClass
from segformer_ros.viewer.predictor import Predictor
from segformer_ros.viewer.scene import ViewFrame

Image = npt.NDArray[np.uint8]
_TIME = 'input_modified'
_SHOWN = ('label', 'depth', RELATIVE, 'depth_confidence')


@dataclass(frozen=True)
class Source:
    """
    Frames to show, and what they have in common.

    :param classes: Of the labels.
    :param timeline: See SceneOptions.
    :param frames: Read while they are shown.
    :param true_classes: Of the ground-truth labels, if there may be some.
    :param total: Number of frames, 0 when unknown.
    :param cameras: Of the frames, in the order of their columns; an empty name is the only one.
    """

    classes: tuple[LabelClass, ...]
    timeline: str
    frames: Iterator[ViewFrame]
    true_classes: tuple[LabelClass, ...] = ()
    total: int = 0
    cameras: tuple[str, ...] = ('',)


def of_video(path: Path, predictor: Predictor, results: Results | None = None) -> Source:
    """
    Read a video.

    :param results: Of a run, which are shown in place of the network's.
    :raises ValueError: The file is no video.
    """

    def frames() -> Iterator[ViewFrame]:
        with VideoReader(path) as reader:
            for frame in reader:
                if frame.image is None:
                    warnings.warn(f'frame {frame.index}: {frame.error}', stacklevel=2)
                    continue
                at = round(frame.time_s * 1e9)
                yield _frame(at, frame.name, frame.image, predictor, results)

    with VideoReader(path) as reader:
        total = reader.count
    return Source(predictor.classes, 'time', frames(), total=total)


def of_images(path: Path, predictor: Predictor, results: Results | None = None) -> Source:
    """
    Read an image, or those in a folder.

    :param results: Of a run, which are shown in place of the network's.
    :raises ValueError: There is no image.
    """
    files = images.find(path)

    def frames() -> Iterator[ViewFrame]:
        for index, file in enumerate(files):
            try:
                image = images.read(file.path)
            except (OSError, ValueError) as error:
                warnings.warn(f'{file.path.name}: {error}', stacklevel=2)
                continue
            yield _frame(index, file.name, image, predictor, results, file.path)

    return Source(predictor.classes, 'frame', frames(), total=len(files))


def _frame(
    at: int,
    name: str,
    image: Image,
    predictor: Predictor,
    results: Results | None,
    file: Path | None = None,
) -> ViewFrame:
    """
    Read the result of a frame, or compute it.

    :param file: The image on its own; its result must not be older.
    """
    if results is not None and results.finished(name, file):
        labels, depth, relative = results.read(name)
        camera = predictor.camera(image)
        return ViewFrame(
            at,
            image,
            labels,
            depth,
            intrinsics=camera,
            relative=relative,
            depth_confidence=results.read_depth_confidence(name),
        )
    frame = predictor.frame(at, image, single=file is not None)
    return frame if results is None else replace(frame, depth=results.as_stored(frame.depth))


@dataclass(frozen=True)
class Run:
    """
    The output folder of `segformer run`.

    :param input: What it was made of.
    :param settings: See run.json.
    """

    folder: Path
    input: Path
    settings: Mapping[str, Any]

    @classmethod
    def read(cls, folder: Path) -> Run | None:
        """
        Look into a folder.

        :returns: None where it is no output of `segformer run`.
        :raises ValueError: It is one, and damaged, or its input has changed or is not there any
            more. Of images each one is compared with its own result, when it is shown.
        """
        path = folder / run_folder.SETTINGS
        if not path.is_file():
            return None
        try:
            settings = json.loads(path.read_bytes())
            source = Path(settings['input'])
        except (KeyError, TypeError, ValueError):
            return None
        if not source.exists():
            raise ValueError(
                f'{folder} has the results of {source}, which is not there any more: put it back'
            )
        found = run_folder.input_state(message_files(source)) if _TIME in settings else {}
        if any(settings.get(name) != value for name, value in found.items()):
            raise ValueError(
                f'{folder} has the results of {source} as it was at {settings.get(_TIME)}, which '
                f'has changed since: run it again into another folder, or view {source} itself'
            )
        return cls(folder, source, settings)

    @property
    def bag(self) -> Path | None:
        """The bag with the results, None where the input was none."""
        path = self.folder / 'bag'
        return path if path.is_dir() else None

    def results(self) -> Results:
        """Return the files with the results."""
        kinds = tuple(kind for kind in _SHOWN if (self.folder / kind).is_dir())
        return Results(self.folder, kinds, str(self.settings.get('depth_format', 'npy')))
