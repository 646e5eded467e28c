# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What rosbags and the libraries below it raise for damaged files."""

from __future__ import annotations

import struct

import apsw
from rosbags.rosbag2 import ReaderError, storage_mcap

DAMAGE = (
    ReaderError,
    apsw.Error,
    storage_mcap.zstd.ZstdError,  # type: ignore[attr-defined]
    struct.error,
    AssertionError,
    EOFError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
