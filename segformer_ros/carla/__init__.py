# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
How CARLA codes ground truth.

Only arrays and tables: nothing here needs the simulator or its Python client.
"""

from segformer_ros.carla.ground_truth import (
    decode_depth,
    decode_depth_code,
    decode_labels,
    decode_tags,
    Decoded,
    encode_depth,
    encode_depth_code,
    encode_labels,
    encode_tags,
    SKY_DEPTH_M,
)
from segformer_ros.carla.tag_tables import tag_table, TAG_TABLES

__all__ = [
    'SKY_DEPTH_M',
    'TAG_TABLES',
    'Decoded',
    'decode_depth',
    'decode_depth_code',
    'decode_labels',
    'decode_tags',
    'encode_depth',
    'encode_depth_code',
    'encode_labels',
    'encode_tags',
    'tag_table',
]
