# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What tells a file from every other one."""

from __future__ import annotations

import hashlib
from pathlib import Path


def sha256_of(path: Path) -> str:
    """
    Return the sha256 of a file in hexadecimal digits.

    :raises OSError: It cannot be read.
    """
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
