# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From network outputs to images in the geometry of the camera."""

from __future__ import annotations

from collections.abc import Sequence
import math

import numpy as np
import numpy.typing as npt
from segformer_ros.inference import native_kernels, plain_kernels
from segformer_ros.inference.preprocess import Geometry
from segformer_ros.inference.upsample import crop, sampling

Image = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

_NOTHING: Image = np.empty((0, 0), np.uint8)


def decode_labels(
    logits: FloatArray,
    geometry: Geometry,
    *,
    stride: int,
    class_ids: Sequence[int],
    confidence: bool = False,
    compiled: bool = True,
) -> tuple[Image, Image | None]:
    """
    Pick the class of the largest upsampled logit; of equal ones that of the lower channel.

    :param logits: (C, h, w) finite scores for the whole input of the network.
    :param stride: Input pixels per logit.
    :param class_ids: Class id of each channel.
    :param confidence: Also give the softmax probability of the class, 0 to 255.
    :param compiled: Where native_kernels has no library: whether to load or compile machine code;
        False: as plain_kernels does it.
    :returns: (H, W) class ids and (H, W) confidence or None, both new.
    :raises ValueError: There are not as many ids as channels, or too few logits.
    """
    if len(class_ids) != len(logits):
        raise ValueError(f'expected {len(class_ids)} channels of logits, got {len(logits)}')
    where, shape = sampling(geometry, stride), (geometry.image_h, geometry.image_w)
    labels = np.empty(shape, np.uint8)
    certainty = np.empty(shape, np.uint8) if confidence else _NOTHING
    ids = np.array(class_ids, np.uint8)
    cells = _writeable(crop(logits, where))
    if native_kernels.library() is not None:
        native_kernels.fill_labels(cells, ids, where, labels, certainty)
    elif compiled or confidence:
        from segformer_ros.inference.label_kernel import fill_labels

        fill_labels(cells, ids, where, labels, certainty)
    else:
        plain_kernels.fill_labels(cells, ids, where, labels)
    return labels, certainty if confidence else None


def decode_depth(
    raw: FloatArray,
    geometry: Geometry,
    *,
    stride: int,
    activation: str,
    factor: float,
    limits_m: tuple[float, float] = (0.0, math.inf),
    labels: Image | None = None,
    sky: tuple[int, float] = (0, math.nan),
    compiled: bool = True,
) -> FloatArray:
    """
    Turn the raw depth output into metres at the size of the camera image.

    :param raw: (h, w) output for the whole input of the network.
    :param stride: Input pixels per output cell.
    :param activation: 'log' when the output is the logarithm of metres, 'metric' for metres.
    :param factor: Multiplies the depth; the camera's focal length over that of the network.
    :param limits_m: Smallest and largest valid depth, inclusive; the others are NaN.
    :param labels: (H, W) class ids, which say where the sky is; None: it is not looked for.
    :param sky: Class id of the sky, and the depth that it gets.
    :param compiled: As of decode_labels.
    :returns: (H, W) metres along the optical axis, new.
    :raises ValueError: The labels are of another size, or the output is too small.
    """
    where, shape = sampling(geometry, stride), (geometry.image_h, geometry.image_w)
    if labels is not None and labels.shape != shape:
        raise ValueError(f'expected labels of shape {shape}, got {labels.shape}')
    cells = crop(raw, where)
    with np.errstate(over='ignore'):
        metres = np.exp(cells) if activation == 'log' else cells
        metres = metres * np.float32(factor)
    depth = np.empty(shape, np.float32)
    limits = (np.float32(limits_m[0]), np.float32(limits_m[1]))
    known = _NOTHING if labels is None else labels
    heaven = (np.uint8(sky[0]), np.float32(sky[1]))
    if native_kernels.library() is not None:
        native_kernels.fill_depth(metres, where, limits, known, heaven, depth)
    elif compiled:
        from segformer_ros.inference.depth_kernel import fill_depth

        fill_depth(metres, where, limits, known, heaven, depth)
    else:
        plain_kernels.fill_depth(metres, where, limits, known, heaven, depth)
    return depth


def is_compiled() -> bool:
    """Return whether warm_up takes no time."""
    if native_kernels.library() is not None:
        return True
    from segformer_ros.inference.depth_kernel import fill_depth
    from segformer_ros.inference.label_kernel import fill_labels
    from segformer_ros.machine_code import is_ready

    return is_ready(fill_labels) and is_ready(fill_depth)


def warm_up() -> None:
    """Compile what decodes frames, so that no frame waits for it: seconds once, then no time."""
    geometry = Geometry(1, 1, 1, 1, 1, 1)
    cells = np.zeros((1, 1, 1), np.float32)
    labels, _ = decode_labels(cells, geometry, stride=1, class_ids=(0,), confidence=True)
    decode_depth(
        cells[0], geometry, stride=1, activation='metric', factor=1.0, labels=labels, sky=(0, 1.0)
    )


def _writeable(cells: FloatArray) -> FloatArray:
    # To the compiler a read-only array is another type, which it would compile for again.
    return cells if cells.flags.writeable else cells.copy()
