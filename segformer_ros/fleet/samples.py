# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Frames of a shard as samples to train from, and what is known of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from segformer_ros import frame_rules, run_folder
from segformer_ros.bundle import Manifest
from segformer_ros.camera import Intrinsics
from segformer_ros.datasets.soft_labels import stacked
from segformer_ros.files.images import encode_png
from segformer_ros.fleet.inputs import Input
from segformer_ros.fleet.parts import DESCRIPTORS, RECORDS
from segformer_ros.fleet.settings import Settings
from segformer_ros.fleet.source_frames import frames_of, SourceFrame, Thinning
from segformer_ros.image_encoding import encode_photo
from segformer_ros.inference.pipeline import Options, Prediction, Predictor
from segformer_ros.labels import VOID
from segformer_ros.run_folder import Report

_JPEG_QUALITY = 95
_GRID, _FINE = 4, 32
_NEAR_NS = 500_000_000
_LABELS_ALONE = Options(depth=False)

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Record:
    """
    What is known of a sample next to its files.

    :param stamp_ns: None: unknown.
    :param camera_matrix: fx, fy, cx, cy in pixels; None: unknown.
    :param confidence: Mean over the image, 0 to 1.
    :param flicker: Share of the pixels whose class is another one than in the frame before; None:
        not computed.
    :param disagreement: Share of the pixels whose class is another one for a second network, of
        those whose class both know; None: not computed.
    """

    name: str
    camera: str
    stamp_ns: int | None
    driven_m: float | None
    height: int
    width: int
    camera_matrix: tuple[float, float, float, float] | None
    confidence: float | None
    flicker: float | None
    disagreement: float | None = None

    @property
    def intrinsics(self) -> Intrinsics | None:
        """Return the camera."""
        if self.camera_matrix is None:
            return None
        return Intrinsics(*self.camera_matrix, self.width, self.height)


def write_samples(
    item: Input,
    part: slice,
    settings: Settings,
    pipeline: Predictor,
    folder: Path,
    report: Report,
    second: Predictor | None = None,
) -> None:
    """
    Compute the frames of an input that are taken.

    :param part: Images alone: which of them.
    :param second: Another network, whose labels are compared.
    :raises ValueError: The input cannot be read further on.
    :raises OSError: The folder cannot be written.
    """
    thinning = Thinning(settings.rate_hz, settings.distance_m)
    before: dict[str, SourceFrame] = {}
    records: list[Record] = []
    descriptors: list[npt.NDArray[np.float16]] = []
    labels = settings.inference.segmentation
    wanted = replace(
        settings.inference,
        confidence=labels,
        top_classes=settings.soft_labels if labels else 0,
    )
    largest_id = max((item.id for item in pipeline.manifest.classes), default=0)

    def predict(frame: SourceFrame) -> Prediction:
        focal = None if frame.intrinsics is None else frame.intrinsics.fx
        return pipeline.predict(frame.image, focal_length_px=focal, options=wanted)

    for frame in frames_of(item, settings, report, part):
        former = before.get(frame.camera)
        if settings.flicker:
            before[frame.camera] = frame
        if not thinning.takes(frame):
            report.count('frames_left_out')
            continue
        found = predict(frame)
        report.add_timings(found.timings)
        flicker = None
        if settings.flicker and former is not None and _are_near(former, frame):
            flicker = _difference(predict(former), found)
        other = None if second is None else second.predict(frame.image, options=_LABELS_ALONE)
        disagreement = None
        if second is not None and other is not None:
            known = matching_ids(pipeline.manifest, second.manifest)
            disagreement = disagreement_of(found.labels, other.labels, known)
        with report.timed('write'):
            _write_files(folder, frame, found)
        records.append(_record(frame, found, flicker, disagreement))
        descriptors.append(describe(frame.image, found.labels, largest_id))
        report.done += 1
    lines = ''.join(json.dumps(asdict(item)) + '\n' for item in records)
    run_folder.write_bytes(folder / RECORDS, lines.encode())
    np.save(folder / DESCRIPTORS, np.array(descriptors, np.float16), allow_pickle=False)


def _are_near(former: SourceFrame, frame: SourceFrame) -> bool:
    if former.stamp_ns is None or frame.stamp_ns is None:
        return False
    return 0 <= frame.stamp_ns - former.stamp_ns <= _NEAR_NS


def _difference(former: Prediction, found: Prediction) -> float | None:
    if former.labels is None or found.labels is None or former.labels.shape != found.labels.shape:
        return None
    return float(np.mean(former.labels != found.labels))


def matching_ids(first: Manifest, second: Manifest) -> Image:
    """Return (256,) the class ids of the first network by those of the second; 255: none."""
    by_name = {item.name: item.id for item in first.classes}
    table = np.full(256, VOID, np.uint8)
    for item in second.classes:
        table[item.id] = by_name.get(item.name, VOID)
    return table


def disagreement_of(labels: Image | None, other: Image | None, table: Image) -> float | None:
    """
    Return the share of the pixels with another class, of those whose class both networks know.

    :param labels: (H, W) class ids of the first network.
    :param other: (H, W) class ids of the second one.
    :param table: As of matching_ids.
    :returns: None: there is no such pixel.
    """
    if labels is None or other is None:
        return None
    mapped = table[other]
    compared = (mapped != VOID) & np.isin(labels, table[table != VOID])
    return float(np.mean(mapped[compared] != labels[compared])) if compared.any() else None


def _write_files(folder: Path, frame: SourceFrame, found: Prediction) -> None:
    name = frame.name
    suffix, image = encode_photo(frame.image, _JPEG_QUALITY)
    run_folder.write_bytes(folder / 'images' / f'{name}.{suffix}', image)
    top = None if found.top_classes is None else stacked(found.top_classes)
    for kind, picture in (
        ('labels', found.labels),
        ('confidence', found.confidence),
        ('soft_labels', top),
    ):
        if picture is not None:
            run_folder.write_bytes(folder / kind / f'{name}.png', encode_png(picture))
    if found.depth is not None:
        code = frame_rules.depth_to_millimetres(found.depth)
        run_folder.write_bytes(folder / 'depth' / f'{name}.png', encode_png(code))


def _record(
    frame: SourceFrame, found: Prediction, flicker: float | None, disagreement: float | None
) -> Record:
    camera = frame.intrinsics
    return Record(
        frame.name,
        frame.camera,
        frame.stamp_ns,
        frame.driven_m,
        frame.image.shape[0],
        frame.image.shape[1],
        None if camera is None else (camera.fx, camera.fy, camera.cx, camera.cy),
        None if found.confidence is None else float(np.mean(found.confidence)) / 255.0,
        flicker,
        disagreement,
    )


def describe(image: Image, labels: Image | None, largest_id: int) -> npt.NDArray[np.float16]:
    """
    Summarise an image in a few numbers: mean colour and share of each class in 4x4 fields.

    :param image: (H, W, 3) RGB.
    :param labels: (H, W) class ids; None: colours alone.
    :param largest_id: Largest class id of the network.
    :returns: 48 numbers, and 16 for each class id.
    """
    color = cv2.resize(image, (_GRID, _GRID), interpolation=cv2.INTER_AREA)
    parts = [np.asarray(color, np.float32).ravel() / 255.0]
    if labels is not None:
        size = (_FINE, _FINE)
        small = np.asarray(cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST))
        each = small[..., None] == np.arange(largest_id + 1)
        step = _FINE // _GRID
        fields = each.reshape(_GRID, step, _GRID, step, -1).mean(axis=(1, 3))
        parts.append(np.asarray(fields, np.float32).ravel())
    return np.asarray(np.concatenate(parts), np.float16)


def read_records(folder: Path) -> Iterator[Record]:
    """
    Read what is known of the samples of a result.

    :raises OSError: It cannot be read.
    """
    with (folder / RECORDS).open(encoding='utf-8') as file:
        for line in file:
            facts: dict[str, Any] = json.loads(line)
            matrix = facts.pop('camera_matrix')
            yield Record(**facts, camera_matrix=None if matrix is None else tuple(matrix))
