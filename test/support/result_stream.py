# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Messages of results and truth, without ROS."""

from types import SimpleNamespace

import numpy as np
from segformer_ros import carla


def message(encoding, pixels, stamp_ns=0):
    """Make what looks like a sensor_msgs/Image."""
    rows = np.ascontiguousarray(pixels)
    seconds, nanoseconds = divmod(stamp_ns, 1_000_000_000)
    return SimpleNamespace(
        header=SimpleNamespace(stamp=SimpleNamespace(sec=seconds, nanosec=nanoseconds)),
        height=rows.shape[0],
        width=rows.shape[1],
        encoding=encoding,
        is_bigendian=0,
        step=rows.strides[0],
        data=rows.tobytes(),
    )


def frame(rng, size=(8, 12)):
    """Return encoding and pixels of every stream of a frame, and labels and depths as they are."""
    labels, truth = rng.choice([1, 2, 11, 14], (2, *size)).astype(np.uint8)
    depth, true = rng.uniform(1.0, 70.0, (2, *size)).astype(np.float32)
    true[truth == 11] = np.inf
    depth[0] = np.nan
    coded = {
        'labels': ('mono8', labels),
        'depth': ('32FC1', depth),
        'true_labels': ('bgra8', carla.encode_labels(truth)),
        'true_depth': ('32FC1', carla.encode_depth(true)),
    }
    return coded, (labels, truth, depth, true)
