# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A bundle with graphs for every engine of a GPU: random weights, one input size."""

from random_network import random_network
from segformer_ros.export.bundle_export import export_bundle
from segformer_ros.export.manifest import Facts
from segformer_ros.export.variants import ExportOptions

HW = (256, 512)


def export_for_gpu(folder):
    """Write the bundle and give it: float32 and float16 for TensorRT, TorchScript, and any."""
    facts = Facts(
        name='exported',
        label_set='carla_0914',
        class_ids=(1, 11, 14),
        focal_length_px=48.0,
        provenance={'data': 'none', 'recipe': 'random weights', 'metrics': {}},
    )
    options = ExportOptions(
        targets=('onnxruntime', 'tensorrt', 'torch'),
        precisions=('float32', 'float16'),
        single_task=False,
    )
    network = random_network(depth_stride=4, depth_activation='log')
    return export_bundle(network, folder, [HW], facts, options)


def relative_error(found, expected):
    """Return the root mean square of the difference over that of the expected values."""
    return float(((found - expected) ** 2).mean() ** 0.5 / (expected**2).mean() ** 0.5)
