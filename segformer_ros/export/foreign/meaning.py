# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the numbers of a foreign output are, and how they become those of a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from segformer_ros.export.check import ExportError

FloatArray = npt.NDArray[np.float32]

SEGMENTATION = ('logits', 'probabilities', 'class_ids')
DEPTH = ('depth', 'log_depth', 'inverse_depth', 'relative_depth', 'relative_inverse_depth')
KINDS: Mapping[str, tuple[str, ...]] = {'segmentation': SEGMENTATION, 'depth': DEPTH}
UNITS = {
    'relative_depth': 'relative_depth',
    'relative_inverse_depth': 'relative_inverse_depth',
}
"""Those of a manifest; all other kinds become metres."""

TINY = 1e-6
"""Probabilities and inverse depths are at least this."""


@dataclass(frozen=True)
class Meaning:
    """
    What an output is.

    :param kind: One of KINDS.
    :param channels: Of a segmentation: how many classes; 1 for depth.
    :param grid: Height and width of the output.
    :param channel_last: It is (1, H, W, C).
    :param scale: Multiplies depth or inverse depth.
    :param shift: Is added to it then.
    :param background: One channel decides by a threshold; a channel of zeros is put before it.
    """

    kind: str
    channels: int
    grid: tuple[int, int]
    channel_last: bool = False
    scale: float = 1.0
    shift: float = 0.0
    background: bool = False

    @property
    def output(self) -> str:
        """Name the output of the bundle."""
        return 'logits' if self.kind in SEGMENTATION else 'depth'


def understand(
    task: str,
    kind: str | None,
    raw: npt.NDArray[np.generic],
    classes: int,
    *,
    scale: float = 1.0,
    shift: float = 0.0,
) -> Meaning:
    """
    Infer what an output means from its values for the golden image.

    :param task: segmentation or depth.
    :param kind: One of KINDS; None: infer it, for segmentation.
    :param classes: How many there are; 0 for depth.
    :raises ExportError: The output is not what it is said to be.
    """
    if not np.issubdtype(raw.dtype, np.integer) and not np.isfinite(raw).all():
        raise ExportError('expected finite outputs for the golden image, found NaN or infinity')
    if task == 'depth':
        if kind is None:
            raise ExportError(
                f'expected to know what the output is: say it with --kind {"|".join(DEPTH)}'
            )
        return Meaning(kind, 1, *_one_channel(raw, 'depth'), scale, shift)
    return _segmentation(kind, raw, classes)


def convert(meaning: Meaning, raw: npt.NDArray[np.generic]) -> FloatArray:
    """
    Compute with numpy what the graph of the bundle shall give.

    :returns: (1, C, h, w) logits, or (1, 1, h, w) depth.
    """
    if meaning.kind == 'class_ids':
        ids = raw.reshape(1, 1, *meaning.grid)
        scores: FloatArray = (ids == np.arange(meaning.channels).reshape(1, -1, 1, 1)).astype(
            np.float32
        )
        return scores
    value: FloatArray = raw.astype(np.float32)
    if meaning.channel_last:
        value = value.transpose(0, 3, 1, 2)
    value = value.reshape(1, -1, *meaning.grid)
    if meaning.output == 'depth':
        if meaning.kind == 'log_depth':
            value = np.exp(value)
        value = value * np.float32(meaning.scale) + np.float32(meaning.shift)
        if meaning.kind == 'inverse_depth':
            value = np.reciprocal(np.maximum(value, np.float32(TINY)))
        return value
    if meaning.kind == 'probabilities':
        value = np.clip(value, TINY, 1.0)
        if meaning.background:
            return np.concatenate((np.log(np.maximum(1.0 - value, TINY)), np.log(value)), 1)
        return np.log(value)
    return np.concatenate((np.zeros_like(value), value), 1) if meaning.background else value


def _segmentation(kind: str | None, raw: npt.NDArray[np.generic], classes: int) -> Meaning:
    whole = np.issubdtype(raw.dtype, np.integer)
    if whole and kind not in {None, 'class_ids'}:
        raise ExportError(
            f'expected {kind} in floating point, found {raw.dtype}: class ids are '
            'whole numbers, --kind class_ids'
        )
    if whole or kind == 'class_ids':
        return _class_ids(raw, classes)
    axes = [axis for axis in (1, 3) if raw.ndim == 4 and raw.shape[axis] == classes]
    single = classes == 2 and not axes and raw.ndim == 4 and 1 in {raw.shape[1], raw.shape[3]}
    if single:
        axes = [axis for axis in (1, 3) if raw.shape[axis] == 1]
    if raw.ndim != 4 or not axes:
        raise ExportError(
            f'expected {classes} channels, one for each class, found an output of shape '
            f'{raw.shape}: give the list of classes of this network'
        )
    if kind is None:
        total = raw.astype(np.float64).sum(axis=axes[0])
        inside = raw.min() >= 0.0 and raw.max() <= 1.0
        sums = single or np.abs(total - 1.0).max() < 1e-3
        kind = 'probabilities' if inside and sums else 'logits'
    last = axes[0] == 3
    grid = raw.shape[1:3] if last else raw.shape[2:]
    return Meaning(kind, classes, (grid[0], grid[1]), last, background=single)


def _class_ids(raw: npt.NDArray[np.generic], classes: int) -> Meaning:
    grid, last = _one_channel(raw, 'class ids')
    largest, smallest = int(raw.max()), int(raw.min())
    if smallest < 0 or largest >= classes:
        raise ExportError(
            f'expected class ids from 0 to {classes - 1}, found {smallest} to {largest}: give the '
            'list of classes of this network'
        )
    return Meaning('class_ids', classes, grid, last)


def _one_channel(raw: npt.NDArray[np.generic], what: str) -> tuple[tuple[int, int], bool]:
    """Return the grid of an output without channels, and whether an axis of one comes last."""
    sides = raw.shape[1:] if raw.ndim in {3, 4} and raw.shape[0] == 1 else raw.shape
    last = len(sides) == 3 and sides[2] == 1 and sides[0] != 1
    if len(sides) == 3 and 1 in {sides[0], sides[2]}:
        sides = sides[:2] if last else sides[1:]
    if len(sides) != 2:
        raise ExportError(f'expected {what} of shape (1, 1, H, W) or (1, H, W), found {raw.shape}')
    return (sides[0], sides[1]), last


def check_values(meaning: Meaning, value: FloatArray, limits_m: tuple[float, float]) -> str:
    """
    Refuse outputs that cannot be what they are said to be.

    :param value: What convert gives.
    :param limits_m: Depths that are possible.
    :returns: What was found, for people.
    :raises ExportError: They are constant, or most depths lie outside the limits.
    """
    if not np.isfinite(value).all():
        raise ExportError(f'expected finite {meaning.output} for the golden image, found others')
    if float(value.max()) == float(value.min()):
        raise ExportError(
            f'expected {meaning.output} that change over the golden image, found {value.max():g} '
            'everywhere: check the normalisation and which output it is'
        )
    if meaning.output == 'logits':
        found = np.unique(value.argmax(axis=1)).size
        return f'{found} of {value.shape[1]} classes on the golden image'
    low, high = (float(item) for item in np.percentile(value, (1.0, 99.0)))
    if meaning.kind in UNITS:
        return f'{low:.3g} to {high:.3g} without a unit on the golden image'
    inside = float(((value >= limits_m[0]) & (value <= limits_m[1])).mean())
    if inside < 0.5:
        raise ExportError(
            f'expected depths of {limits_m[0]:g} to {limits_m[1]:g} m, found {low:.3g} to '
            f'{high:.3g} on the golden image: check --kind, --scale and --shift, or widen '
            '--depth-range'
        )
    return f'{low:.3g} to {high:.3g} m on the golden image'
