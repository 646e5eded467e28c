# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The compiled functions of the run time."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy.typing as npt
from segformer_ros.machine_code import compiled

__all__ = ['Array', 'Number', 'compiled']

# What compiled code takes: numba infers the types from the first call.
Number: TypeAlias = Any
Array: TypeAlias = npt.NDArray[Any]
