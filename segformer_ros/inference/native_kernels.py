# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
label_kernel and depth_kernel from a library that the build of the ROS package makes of C.

The same bits without numba, whose import takes longer than all others of a node together. Where
the library was not built, as after `pip install`, numba compiles the kernels.
"""

from __future__ import annotations

import ctypes
import functools
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import segformer_ros
from segformer_ros.inference.upsample import FloatArray, Sampling

Image = npt.NDArray[np.uint8]

LIBRARY = 'libsegformer_kernels.so'
_VERSION = 1
"""Of its functions; a library of another version is not used."""


class _Sampling(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int64) for name in ('rows', 'columns', 'width', 'bands')),
        *(
            (name, ctypes.c_void_p)
            for name in ('left', 'right', 'across', 'edges', 'down', 'band')
        ),
    )


@functools.lru_cache(maxsize=1)
def library() -> ctypes.CDLL | None:
    """Return the library, loaded; None where it was not built, or by another version of this."""
    for folder in segformer_ros.__path__:
        path = Path(folder) / LIBRARY
        if not path.is_file():
            continue
        try:
            found = ctypes.CDLL(str(path))
            if found.segformer_kernels_version() == _VERSION:
                return _declared(found)
        except (AttributeError, OSError):  # of another machine, or something else
            continue
    return None


def fill_labels(
    cells: FloatArray, ids: Image, where: Sampling, labels: Image, confidence: Image
) -> None:
    """
    Write the class of every pixel, as label_kernel.fill_labels says.

    :raises MemoryError: There is not enough.
    """
    cells = np.ascontiguousarray(cells, np.float32)
    place = confidence.ctypes.data if confidence.size else None
    _call(
        'segformer_fill_labels',
        cells.ctypes.data, len(cells), ids.ctypes.data, ctypes.byref(_places(where)),
        labels.ctypes.data, place,
    )  # fmt: skip


def fill_depth(
    cells: FloatArray,
    where: Sampling,
    limits: tuple[np.float32, np.float32],
    labels: Image,
    sky: tuple[np.uint8, np.float32],
    depth: FloatArray,
) -> None:
    """
    Write the depth of every pixel, as depth_kernel.fill_depth says.

    :raises MemoryError: There is not enough.
    """
    cells, labels = np.ascontiguousarray(cells, np.float32), np.ascontiguousarray(labels)
    known = labels.ctypes.data if labels.size else None
    _call(
        'segformer_fill_depth',
        cells.ctypes.data, ctypes.byref(_places(where)), *map(float, limits),
        known, int(sky[0]), float(sky[1]), depth.ctypes.data,
    )  # fmt: skip


def _call(name: str, *arguments: Any) -> None:
    if getattr(library(), name)(*arguments):
        raise MemoryError('expected memory for the scratch of a frame, found none: free some')


def _places(where: Sampling) -> _Sampling:
    """Point to a Sampling, which has to live as long."""
    arrays = (where.left, where.right, where.across, where.edges, where.down, where.bands)
    return _Sampling(
        where.rows, where.columns, where.across.size, len(where.bands),
        *(array.ctypes.data for array in arrays),
    )  # fmt: skip


def _declared(found: ctypes.CDLL) -> ctypes.CDLL:
    pointer = ctypes.c_void_p
    found.segformer_fill_labels.argtypes = (
        pointer, ctypes.c_int64, pointer, ctypes.POINTER(_Sampling), pointer, pointer,
    )  # fmt: skip
    found.segformer_fill_depth.argtypes = (
        pointer, ctypes.POINTER(_Sampling), ctypes.c_float, ctypes.c_float,
        pointer, ctypes.c_uint8, ctypes.c_float, pointer,
    )  # fmt: skip
    return found
