# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Measure networks against ground truth: in torch, or deployed on any backend."""

from segformer_ros.evaluation.depth_scores import DepthRules
from segformer_ros.evaluation.evaluated_classes import LabelRules
from segformer_ros.evaluation.measure import evaluate, Options, Result
from segformer_ros.evaluation.network import Network, NetworkFacts, Outputs
from segformer_ros.evaluation.prediction import Inference

__all__ = [
    'DepthRules',
    'Inference',
    'LabelRules',
    'Network',
    'NetworkFacts',
    'Options',
    'Outputs',
    'Result',
    'evaluate',
]
