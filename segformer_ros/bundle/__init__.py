# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The bundle: one folder that is one deployable network with all that is known of it."""

from segformer_ros.bundle.errors import BundleError
from segformer_ros.bundle.external_weights import weights_of_graph
from segformer_ros.bundle.folder import (
    Bundle,
    find,
    is_checkpoint,
    known_names,
    MODELS,
    read,
    write,
)
from segformer_ros.bundle.golden import golden_image, pack_golden
from segformer_ros.bundle.graphs import (
    ENGINES,
    FLOATS,
    Graph,
    INPUTS,
    InputSize,
    PRECISIONS,
    SCRIPT,
    TARGETS,
)
from segformer_ros.bundle.manifest import (
    Arithmetic,
    DepthOutput,
    FORMAT_VERSION,
    LogitsOutput,
    Manifest,
    RELATIVE,
    SCALE_OUTPUT,
    TASKS,
    WHOLE,
)
from segformer_ros.bundle.pair import write_pair
from segformer_ros.bundle.parsing import parse
from segformer_ros.bundle.real_files import engine_folder

__all__ = [
    'ENGINES',
    'FLOATS',
    'FORMAT_VERSION',
    'INPUTS',
    'MODELS',
    'PRECISIONS',
    'RELATIVE',
    'SCALE_OUTPUT',
    'SCRIPT',
    'TARGETS',
    'TASKS',
    'WHOLE',
    'Arithmetic',
    'Bundle',
    'BundleError',
    'DepthOutput',
    'Graph',
    'InputSize',
    'LogitsOutput',
    'Manifest',
    'engine_folder',
    'find',
    'golden_image',
    'is_checkpoint',
    'known_names',
    'pack_golden',
    'parse',
    'read',
    'weights_of_graph',
    'write',
    'write_pair',
]
