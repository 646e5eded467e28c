# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The check that a loaded network still computes what it computed when it was exported."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros.bundle import Bundle, BundleError, InputSize
from segformer_ros.inference.backend import Backend
from segformer_ros.inference.preprocess import fit, lookup_table, prepare

FloatArray = npt.NDArray[np.float32]

_DO = 'use another backend or export the network again'

# For precisions below float32: root mean square of the difference over that of the expected
# output. bfloat16 comes to 0.01 to 0.02; a wrong graph, or one that overflows, to 0.3 and more.
REDUCED_TOLERANCE = 0.05


def check_golden(bundle: Bundle, backend: Backend) -> dict[str, float]:
    """
    Run the golden input of every input size and compare the outputs.

    :returns: Of each output the largest absolute difference in float32, or in other precisions
        the relative one as explained at REDUCED_TOLERANCE.
    :raises BackendError: The device has failed.
    :raises BundleError: An output differs by more than its tolerance.
    """
    largest: dict[str, float] = {}
    exact = backend.precision == 'float32'
    for size in bundle.manifest.input_sizes:
        for name, (found, expected) in _outputs(bundle, backend, size).items():
            difference = _largest(found, expected) if exact else _relative(found, expected)
            tolerance = bundle.manifest.tolerance[name] if exact else REDUCED_TOLERANCE
            if not difference <= tolerance:
                kind = '' if exact else f'{backend.precision} '
                raise BundleError(
                    f'bundle {bundle.path} on {backend.name}, input {size.height}x{size.width}',
                    expected=f'golden {name} within {kind}{tolerance:g}',
                    found=f'a difference of {difference:.3g}',
                    do=_DO,
                )
            largest[name] = max(difference, largest.get(name, 0.0))
    return largest


def golden_input(bundle: Bundle, size: InputSize, input_format: str) -> npt.NDArray[Any]:
    """
    Give the golden image of an input size as a backend takes it.

    :param input_format: One of bundle.INPUTS.
    :returns: (1, 3, H, W) float32 or (1, H, W, 3) uint8.
    """
    image, _ = bundle.golden(size)
    if input_format == 'uint8':
        return image[None]
    planes: FloatArray = np.empty((1, 3, size.height, size.width), np.float32)
    geometry = fit((size.height, size.width), [(size.height, size.width)])
    table = lookup_table(bundle.manifest.mean, bundle.manifest.std)
    prepare(image, geometry, table, planes[0])
    return planes


def _largest(found: FloatArray, expected: FloatArray) -> float:
    with np.errstate(invalid='ignore'):
        return float(np.max(np.abs(found - expected)))


def _relative(found: FloatArray, expected: FloatArray) -> float:
    with np.errstate(invalid='ignore', over='ignore'):
        error = np.square(found.astype(np.float64) - expected).mean()
    return float(np.sqrt(error / np.square(expected.astype(np.float64)).mean()))


def _outputs(
    bundle: Bundle, backend: Backend, size: InputSize
) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Give what the backend computes and what is expected, by output."""
    _, golden = bundle.golden(size)
    outputs = backend.infer(golden_input(bundle, size, backend.input_format))
    pairs = {}
    for name, value in golden.items():
        found = outputs.get(name)
        if found is None or found.shape != value.shape:
            shape = 'none' if found is None else str(found.shape)
            where = f'bundle {bundle.path} on {backend.name}'
            text = f'{name} of shape {value.shape}'
            raise BundleError(where, expected=text, found=shape, do=_DO)
        pairs[name] = (found, value)
    return pairs
