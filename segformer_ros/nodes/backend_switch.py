# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The network of the node with all backends that may run it, and what is told of them."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.node import Node
from segformer_ros import bundle as bundles
from segformer_ros.engines.builder_process import start_build
from segformer_ros.inference import backend_choice
from segformer_ros.inference.backend_order import order_with_fallbacks
from segformer_ros.inference.depth_confidence import check_depth_confidence, states_confidence
from segformer_ros.inference.failover import BackendState, Failover
from segformer_ros.inference.pipeline import Options, Pipeline
from segformer_ros.inference.postprocess import is_compiled
from segformer_ros.inference.road_scale import RoadScale, ScaleOptions
from segformer_ros.nodes.parameters import Parameters
from segformer_ros.point_cloud import find_class_ids

_LOG_PERIOD_S = 10.0


def load_pipeline(values: Parameters) -> Failover:
    """
    Load the network that the parameters name, on the best backend that is ready now.

    :raises BundleError: The bundle is missing, damaged or fails its golden check.
    :raises BackendError: No backend can be used.
    :raises ValueError: There is no such backend, or parameters contradict each other.
    """
    required = values.require_tensorrt or values.build_only
    order = order_with_fallbacks(values.backend, values.precision, require_tensorrt=required)
    bundle = bundles.read(bundles.find(values.model))
    if values.camera_height_m:
        RoadScale.of(bundle.manifest, scale_options(values))

    def open_step(step: str) -> Pipeline:
        def choose(part: bundles.Bundle) -> backend_choice.Loaded:
            return backend_choice.load_step(
                step,
                part,
                threads=values.threads,
                precision=values.precision,
                cuda_api=values.cuda_api,
            )

        return Pipeline.open(bundle, choose, schedule=values.schedule)

    return Failover(bundle.manifest, order, open_step, start_build)


def scale_options(values: Parameters) -> ScaleOptions:
    """
    Return how depth is scaled, where camera_height_m is set.

    :raises ValueError: A number is out of range.
    """
    return ScaleOptions(values.camera_height_m, values.camera_pitch_deg)


def check_against_network(values: Parameters, pipeline: Failover | None) -> None:
    """
    Compare depths and classes that are asked for with those of the network, where there is one.

    :raises ValueError: Nothing is left of its range of depth, it does not have a class, or it
        states no confidence by which depth could be filtered.
    """
    if pipeline is not None:
        asked = Options(depth=values.depth, min_depth_confidence=values.min_depth_confidence)
        check_depth_confidence(pipeline.manifest, asked)
        _, problem = find_class_ids(pipeline.manifest.classes, values.points_classes)
        if problem:
            raise ValueError(f'points_classes: {problem}')
    known = None if pipeline is None else pipeline.manifest.depth_range_m
    if known is not None and values.depth:
        low, high = values.min_depth_m or None, values.max_depth_m or None
        Options(min_depth_m=low, max_depth_m=high).limits_m(known)


def possible_parameters(values: Parameters, manifest: bundles.Manifest | None) -> Parameters:
    """Return the parameters without what the network does not have."""
    tasks: tuple[str, ...] = ()
    missing: dict[str, Any] = {}
    if manifest is not None:
        tasks = manifest.tasks
        if not states_confidence(manifest):
            missing['depth_confidence'] = False
    return replace(
        values,
        segmentation=values.segmentation and 'segmentation' in tasks,
        depth=values.depth and 'depth' in tasks,
        **missing,
    )


def describe(pipeline: Failover | None) -> tuple[bytes, str, dict[str, object]]:
    """
    Evaluate the backend.

    :returns: Level and message, empty where there is nothing to say, and values for diagnostics.
    """
    values: dict[str, object] = {
        'backend': '' if pipeline is None else pipeline.backend_name,
        'backend_reason': '' if pipeline is None else pipeline.backend_reason,
    }
    if pipeline is None:
        return DiagnosticStatus.OK, '', values
    state = pipeline.state()
    values |= {f'backend_{key}': value for key, value in asdict(state).items()}
    level, text = _health(pipeline, state)
    return level, text, values


def _health(pipeline: Failover, state: BackendState) -> tuple[bytes, str]:
    if not pipeline.serving:
        return DiagnosticStatus.WARN, f'nothing is published until TensorRT runs: {state.building}'
    if not state.step:
        reason = state.note or pipeline.backend_reason
        return DiagnosticStatus.ERROR, f'no backend runs: {reason}'
    if state.worse:
        return DiagnosticStatus.WARN, state.note
    if state.building:
        return DiagnosticStatus.OK, f'runs on {state.step} meanwhile; {state.building}'
    return DiagnosticStatus.OK, ''


class BackendLog:
    """Writes every change of the backend to the log of a node, once."""

    def __init__(self, node: Node) -> None:
        """Begin with nothing told."""
        self._node, self._told = node, ''

    def loading(self) -> None:
        """Log why it takes longer the first time."""
        if not is_compiled():
            self._node.get_logger().info(
                'compiling the post-processing kernels (first start on this machine, takes a few '
                'seconds)'
            )

    def update(self, pipeline: Failover | None) -> None:
        """Log what is new and, from time to time, how far a build is."""
        if pipeline is None:
            return
        state, logger = pipeline.state(), self._node.get_logger()
        if state.note != self._told:
            self._told = state.note
            if state.worse or not state.step:
                logger.warning(state.note)
            else:
                logger.info(state.note)
        if state.building:
            logger.info(state.building, throttle_duration_sec=_LOG_PERIOD_S)


def build_outcome(pipeline: Failover | None) -> tuple[int, str] | None:
    """
    Describe how a node that only builds has ended: exit status and sentence; None: it builds on.

    :param pipeline: What load_pipeline gave; None: it could not be loaded.
    """
    if pipeline is None:
        return 1, 'nothing was built: the network could not be loaded'
    state = pipeline.state()
    if state.building:
        return None
    found = pipeline.settle()
    if found:
        return 0, f'the engines are built: {found}'
    return 1, f'nothing was built: {pipeline.backend_reason}'
