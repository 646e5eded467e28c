# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The check that whole frames on a device are what the CPU makes of the same network."""

from __future__ import annotations

from collections.abc import Mapping
import math

import numpy as np
import numpy.typing as npt
from segformer_ros.bundle import Bundle, Manifest
from segformer_ros.inference.backend import Backend, BackendError, FrameRequest, Frames
from segformer_ros.inference.golden_gate import golden_input
from segformer_ros.inference.postprocess import decode_depth, decode_labels
from segformer_ros.inference.preprocess import fit, Geometry
from segformer_ros.inference.results import Prediction

FloatArray = npt.NDArray[np.float32]

EQUAL_LABELS = 0.9999
"""How many pixels must have the label that the CPU gives them."""
DEPTH_TOLERANCE = 1e-3
"""How far a depth may be from that of the CPU, relatively."""

_LEAST_M = 1e-3


def frames_problem(bundle: Bundle, backend: Backend, frames: Frames | None) -> str:
    """
    Compare both ways on the golden image of every input size.

    :param frames: Of this backend; None: there is nothing to check.
    :returns: Empty, or one sentence that says what is wrong with the frames.
    """
    manifest = bundle.manifest
    request = FrameRequest(
        segmentation=True,
        labels=manifest.logits is not None,
        confidence=False,
        depth=manifest.depth is not None,
        factor=1.0,
        limits_m=(0.0, math.inf),
        sky=None,
    )
    for size in manifest.input_sizes if frames is not None else ():
        assert frames is not None
        image, _ = bundle.golden(size)
        geometry = fit((size.height, size.width), [(size.height, size.width)])
        try:
            found = frames.predict(image, geometry, request)
            raw = backend.infer(golden_input(bundle, size, backend.input_format))
        except BackendError as error:
            return f'frames of {size.height}x{size.width} on the device have failed: {error}'
        problem = _labels_problem(manifest, geometry, found, raw)
        problem = problem or _depth_problem(manifest, geometry, found, raw)
        if problem:
            return problem
    return ''


def _labels_problem(
    manifest: Manifest, geometry: Geometry, found: Prediction, raw: Mapping[str, FloatArray]
) -> str:
    if manifest.logits is None or found.labels is None:
        return ''
    ids = [item.id for item in manifest.classes]
    stride = manifest.logits.stride
    labels, _ = decode_labels(raw['logits'][0], geometry, stride=stride, class_ids=ids)
    equal = float(np.mean(labels == found.labels))
    if equal >= EQUAL_LABELS:
        return ''
    return f'the device gives {equal:.2%} of the labels that the CPU gives'


def _depth_problem(
    manifest: Manifest, geometry: Geometry, found: Prediction, raw: Mapping[str, FloatArray]
) -> str:
    output = manifest.depth
    if output is None or found.depth is None:
        return ''
    depth = decode_depth(
        raw['depth'][0, 0],
        geometry,
        stride=output.stride,
        activation=output.activation,
        factor=1.0,
    )
    both_known = np.array_equal(np.isnan(depth), np.isnan(found.depth))
    difference = np.abs(found.depth - depth) / np.maximum(depth, _LEAST_M)
    largest = float(np.nanmax(difference, initial=0.0))
    if both_known and largest <= DEPTH_TOLERANCE:
        return ''
    return f'depth on the device is {largest:.2%} from that of the CPU'
