# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The node's state as diagnostic_msgs, in words that say what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
import os

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from rclpy.utilities import get_rmw_implementation_identifier
from segformer_ros.nodes.frame_statistics import Summary
from segformer_ros.nodes.parameters import Parameters
from segformer_ros.nodes.subscriptions import NOBODY


def status(
    name: str, level: bytes, message: str, values: Mapping[str, object], hardware_id: str = ''
) -> DiagnosticStatus:
    """Make one entry of a DiagnosticArray; floats are written with two decimals."""
    return DiagnosticStatus(
        level=level,
        name=name,
        message=message,
        hardware_id=hardware_id,
        values=[KeyValue(key=key, value=_text(value)) for key, value in values.items()],
    )


def camera_status(
    name: str, topic: str, summary: Summary, parameters: Parameters, *, hardware_id: str = ''
) -> DiagnosticStatus:
    """
    Evaluate one camera of an active node.

    :param name: Name of the entry.
    :param topic: Where the images are expected, for the message.
    """
    level, message = _health(topic, summary, parameters)
    values: dict[str, object] = {
        'topic': topic,
        'input_rate_hz': summary.input_rate_hz,
        'output_rate_hz': summary.output_rate_hz,
        **asdict(summary.counts),
        'missed': summary.missed,
    }
    for key, (median, high) in summary.percentiles.items():
        stem = key.removesuffix('_ms')
        values[f'{stem}_p50_ms'] = median
        values[f'{stem}_p99_ms'] = high
    values['silent_s'] = summary.silent_s
    values['clock_jumps'] = summary.jumps
    values['camera_info'] = summary.camera_text
    if parameters.camera_height_m:
        values['depth_scale'] = summary.scale_text
        values['frames_without_road'] = summary.scale_refused
    values['last_error'] = summary.last_error
    values['rmw'] = _middleware()
    return status(name, level, message, values, hardware_id)


def _health(topic: str, summary: Summary, parameters: Parameters) -> tuple[bytes, str]:
    if summary.new_errors:
        return DiagnosticStatus.ERROR, f'{summary.new_errors} frames lost: {summary.last_error}'
    # Said once: silence and errors that stay are said again.
    if summary.new_jumps:
        return DiagnosticStatus.WARN, 'the time went backwards: rates and latencies restart'
    if summary.silent_s > parameters.stale_after_s:
        why = summary.image_fault or 'it has a publisher, but nothing arrives from it'
        # Neither a publisher of another RMW nor one of another domain can be seen from here.
        if summary.image_fault in ('', NOBODY) and not summary.counts.received:
            why += f'; this node uses {_middleware()}, and its publisher must use the same'
        return DiagnosticStatus.WARN, f'no image on {topic} for {summary.silent_s:.1f} s: {why}'
    if summary.failing:
        return DiagnosticStatus.ERROR, f'no frame since this error: {summary.last_error}'
    if summary.mixed:
        return DiagnosticStatus.WARN, summary.mixed
    if summary.new_missed > summary.new_received:
        sent = summary.new_missed + summary.new_received
        return DiagnosticStatus.WARN, (
            f'{summary.new_missed} of {sent} images on {topic} never arrived: give their '
            'publisher config/fastdds_large_images.xml, or let it send fewer'
        )
    if summary.camera_problem and parameters.depth:
        return DiagnosticStatus.WARN, summary.camera_problem
    if summary.counts.idle and not summary.output_rate_hz:
        return DiagnosticStatus.OK, 'idle: no output has a subscriber'
    return DiagnosticStatus.OK, (
        f'{summary.input_rate_hz:.1f} images/s in, {summary.output_rate_hz:.1f} frames/s out'
    )


def _middleware() -> str:
    domain = os.environ.get('ROS_DOMAIN_ID') or '0'
    return f'{get_rmw_implementation_identifier()} in ROS_DOMAIN_ID {domain}'


def _text(value: object) -> str:
    return f'{value:.2f}' if isinstance(value, float) else str(value)
