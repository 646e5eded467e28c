# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The layouts of checkpoints, one module each."""

from segformer_ros.checkpoints.formats import native
from segformer_ros.checkpoints.formats.base import Format

FORMATS: dict[str, Format] = {item.FORMAT.name: item.FORMAT for item in (native,)}
