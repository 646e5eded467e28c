# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The check that a loaded network still computes what it computed when it was exported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros.bundle import Bundle, BundleError, FLOATS, golden_image, InputSize
from segformer_ros.inference.backend import Backend
from segformer_ros.inference.preprocess import fit, lookup_table, prepare

FloatArray = npt.NDArray[np.float32]

_DO = 'use another backend or export the network again'

# For precisions below float32: root mean square of the difference over that of the expected
# output. bfloat16 comes to 0.01 to 0.02; a wrong graph, or one that overflows, to 0.3 and more.
REDUCED_TOLERANCE = 0.05
# Likewise: how many cells of the logits must have the same best class. bfloat16 comes to 0.99 on
# the golden image, which is noise in good part.
REDUCED_EQUAL = 0.98
# Likewise where operators are in int8 or fp8: int8 comes to 0.97 on the noise of the golden image,
# with 0.99 on frames of the built-in world.
QUANTISED_EQUAL = 0.95


def check_golden(bundle: Bundle, backend: Backend) -> dict[str, float]:
    """
    Run the golden input of every input size and compare the outputs.

    :returns: Of each output the largest absolute difference in float32, or in other precisions
        the relative one as explained at REDUCED_TOLERANCE.
    :raises BackendError: The device has failed.
    :raises BundleError: An output differs by more than its tolerance.
    """
    largest: dict[str, float] = {}
    for size in bundle.manifest.input_sizes:
        found = backend.infer(golden_input(bundle, size, backend.input_format))
        names = tuple(bundle.manifest.output_shapes(size))
        differences = check_outputs(
            bundle, size, found, names, precision=backend.precision, engine=backend.name
        )
        for name, difference in differences.items():
            largest[name] = max(difference, largest.get(name, 0.0))
    return largest


def check_outputs(
    bundle: Bundle,
    size: InputSize,
    found: Mapping[str, FloatArray],
    names: Sequence[str],
    *,
    precision: str,
    engine: str,
) -> dict[str, float]:
    """
    Compare outputs for the golden input of one input size with those that belong to it.

    :param found: By name, for one image.
    :param names: The outputs to compare.
    :param precision: That they were computed in: one of bundle.PRECISIONS.
    :param engine: What computed them, for messages.
    :returns: The difference of each, as check_golden gives it.
    :raises BundleError: An output is missing, of another shape, or differs by more than its
        tolerance.
    """
    where = f'bundle {bundle.path} on {engine}, input {size.height}x{size.width}'
    golden = bundle.golden_outputs(size)
    differences = {}
    for name in names:
        value, expected = found.get(name), golden[name]
        if value is None or value.shape != expected.shape:
            shape = 'none' if value is None else str(value.shape)
            text = f'{name} of shape {expected.shape}'
            raise BundleError(where, expected=text, found=shape, do=_DO)
        if precision == 'float32':
            difference, tolerance = _largest(value, expected), bundle.manifest.tolerance[name]
            text = f'golden {name} within {tolerance:g}'
        else:
            difference, tolerance = relative_rms(value, expected), REDUCED_TOLERANCE
            text = f'golden {name} within {precision} {tolerance:g}'
        if not difference <= tolerance:
            wrong = f'a difference of {difference:.3g}'
            raise BundleError(where, expected=text, found=wrong, do=_DO)
        if name == 'logits' and precision != 'float32':
            least = REDUCED_EQUAL if precision in FLOATS else QUANTISED_EQUAL
            _check_labels(where, value, expected, least)
        differences[name] = difference
    return differences


def golden_input(bundle: Bundle, size: InputSize, input_format: str) -> npt.NDArray[Any]:
    """
    Return the golden image of an input size as a backend takes it.

    :param input_format: One of bundle.INPUTS.
    :returns: (1, 3, H, W) float32 or (1, H, W, 3) uint8.
    """
    image = golden_image(size.golden_seed, size.height, size.width)
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


def relative_rms(found: FloatArray, expected: FloatArray) -> float:
    """Return the root mean square of the difference over that of what was expected."""
    with np.errstate(invalid='ignore', over='ignore'):
        error = np.square(found.astype(np.float64) - expected).mean()
    return float(np.sqrt(error / np.square(expected.astype(np.float64)).mean()))


def _check_labels(where: str, found: FloatArray, expected: FloatArray, least: float) -> None:
    equal = float(np.mean(found.argmax(axis=1) == expected.argmax(axis=1)))
    if equal < least:
        raise BundleError(
            where,
            expected=f'the class of {least:.0%} of the cells',
            found=f'that of {equal:.1%}',
            do=_DO,
        )
