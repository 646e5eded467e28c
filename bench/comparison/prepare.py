# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The networks of a case: the same random weights for everybody, exported in every way."""

from __future__ import annotations

from segformer_ros.export.bundle_export import export_bundle
from segformer_ros.export.manifest import Facts
from segformer_ros.export.variants import ExportOptions
from segformer_ros.labels import CITYSCAPES_19

from comparison import hugging_face, plain_export, reference
from comparison.case import Case

# The camera's focal length is not told to the pipeline, so that this one has no influence.
_FOCAL_LENGTH_PX = 500.0
_PROVENANCE = {'data': 'none', 'recipe': 'random weights', 'metrics': {}}


def prepare(case: Case) -> None:
    """Write all files of a case; its folder must exist."""
    network = hugging_face.randomized(case.model)
    hugging_face.save(network, case.weights)
    plain = plain_export.plain_graph(network, case.height, case.width)
    plain_export.write(plain, case.plain_graph)
    labels = plain_export.with_labels(plain, case.height, case.width)
    plain_export.write(labels, case.labels_graph)
    facts = Facts(
        name=case.bundle.name,
        label_set=CITYSCAPES_19.name,
        class_ids=tuple(item.id for item in CITYSCAPES_19.classes),
        focal_length_px=_FOCAL_LENGTH_PX,
        provenance=_PROVENANCE,
        depth_range_m=(1e-3, 1e3),
    )
    ours = hugging_face.ours(network, case.model)
    # What `segformer export --target onnxruntime,openvino --fused-attention` writes.
    options = ExportOptions(fused_attention=True)
    export_bundle(ours, case.bundle, [(case.height, case.width)], facts, options)
    reference.write(case, network)
