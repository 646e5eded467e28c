# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The check that a loaded network still computes what it computed when it was exported."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from segformer_ros.bundle import Bundle, BundleError, InputSize
from segformer_ros.inference.backend import Backend
from segformer_ros.inference.preprocess import fit, lookup_table, prepare

_DO = 'use another backend or export the network again'


def check_golden(bundle: Bundle, backend: Backend) -> dict[str, float]:
    """
    Run the golden input of every input size and compare the outputs.

    :returns: The largest absolute difference of each output.
    :raises BackendError: The device has failed.
    :raises BundleError: An output differs by more than its tolerance.
    """
    largest: dict[str, float] = {}
    for size in bundle.manifest.input_sizes:
        for name, difference in _differences(bundle, backend, size).items():
            tolerance = bundle.manifest.tolerance[name]
            if not difference <= tolerance:
                raise BundleError(
                    f'bundle {bundle.path} on {backend.name}, input {size.height}x{size.width}',
                    expected=f'golden {name} within {tolerance:g}',
                    found=f'a difference of {difference:.3g}',
                    do=_DO,
                )
            largest[name] = max(difference, largest.get(name, 0.0))
    return largest


def _differences(bundle: Bundle, backend: Backend, size: InputSize) -> dict[str, float]:
    image, expected = bundle.golden(size)
    planes: npt.NDArray[np.float32] = np.empty((1, 3, size.height, size.width), np.float32)
    geometry = fit((size.height, size.width), [(size.height, size.width)])
    table = lookup_table(bundle.manifest.mean, bundle.manifest.std)
    prepare(image, geometry, table, planes[0])
    outputs = backend.infer(planes)
    differences = {}
    for name, value in expected.items():
        found = outputs.get(name)
        if found is None or found.shape != value.shape:
            shape = 'none' if found is None else str(found.shape)
            where = f'bundle {bundle.path} on {backend.name}'
            text = f'{name} of shape {value.shape}'
            raise BundleError(where, expected=text, found=shape, do=_DO)
        with np.errstate(invalid='ignore'):
            differences[name] = float(np.max(np.abs(found - value)))
    return differences
