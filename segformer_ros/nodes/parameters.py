# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parameters of segformer_node: declared, checked, read and documented from one class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, make_dataclass, replace
import math
import re
from typing import Any, TypeVar

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.node import Node
from rclpy.parameter import Parameter
from segformer_ros.engines.cuda import APIS as CUDA_APIS
from segformer_ros.image_encoding import DEPTH_ENCODINGS
from segformer_ros.inference.backend_table import LISTING, PRECISIONS
from segformer_ros.nodes.fixed_parameters import declare as declare_one
from segformer_ros.output_topics.frame import OutputOptions
from segformer_ros.output_topics.table import OUTPUTS

_Kind = TypeVar('_Kind')
_CAMERA_NAME = re.compile(r'[A-Za-z][A-Za-z0-9_]*(/[A-Za-z][A-Za-z0-9_]*)*')


def _param(
    default: Any,
    description: str,
    *,
    between: tuple[float, float] | None = None,
    one_of: tuple[str, ...] = (),
    fixed: bool = False,
) -> Any:
    facts = {'description': description, 'between': between, 'one_of': one_of, 'fixed': fixed}
    return field(default=default, metadata=facts)


def _with_switches(kind: type[_Kind]) -> type[_Kind]:
    """Add the parameters that switch outputs off, as the table of outputs has them."""
    switches = [
        (item.switch, bool, _param(True, f'Publish {item.topic}.'))
        for item in OUTPUTS
        if item.switch
    ]
    namespace = {'__doc__': kind.__doc__, '__module__': kind.__module__}
    return make_dataclass(kind.__name__, switches, bases=(kind,), namespace=namespace, frozen=True)


@_with_switches
@dataclass(frozen=True)
class Parameters:
    """
    One field per ROS parameter.

    The metadata of a field hold its description, its range, its choices, and whether it is fixed
    from the start of the node on because a change would need a new configuration.

    :raises ValueError: A value is not among its choices, or values contradict each other.
    """

    model: str = _param(
        'road_b0', 'Network: name of a shipped one, or path of a bundle.', fixed=True
    )
    backend: str = _param(
        'auto',
        f'Inference backend: {LISTING}: the fastest that is installed and passes its checks.',
        fixed=True,
    )
    precision: str = _param(
        'float32',
        "Precisions that 'auto' may use: float32 only, or any.",
        one_of=PRECISIONS,
        fixed=True,
    )
    cuda_api: str = _param(
        'auto',
        'Package through which TensorRT gets memory and streams; auto takes cuda-python, '
        'else pycuda.',
        one_of=CUDA_APIS,
        fixed=True,
    )
    require_tensorrt: bool = _param(
        False,
        'Publish nothing until TensorRT runs, instead of using another backend while its '
        'engines are built or after it has failed.',
        fixed=True,
    )
    build_only: bool = _param(
        False, 'Build the TensorRT engines, check them and exit.', fixed=True
    )
    threads: int = _param(
        0,
        'Number of CPU threads for inference; 0 leaves the choice to the backend.',
        between=(0, 256),
        fixed=True,
    )
    autostart: bool = _param(True, 'Configure and activate automatically at start-up.', fixed=True)
    cameras: tuple[str, ...] = _param(
        ('',),
        "Camera namespaces, e.g. [front, left]. Leave at [''] for a single camera "
        'without a namespace.',
        fixed=True,
    )
    camera_info_topics: tuple[str, ...] = _param(
        ('',),
        'Topics of camera_info, one per camera; an empty name means camera_info in the '
        'namespace of the camera.',
        fixed=True,
    )
    transport: str = _param(
        'raw',
        "Image topic to subscribe to: 'image' (raw) or 'image/compressed' (compressed: "
        'jpeg, png).',
        one_of=('raw', 'compressed'),
        fixed=True,
    )
    segmentation: bool = _param(True, 'Compute labels.')
    depth: bool = _param(True, 'Compute depth.')
    depth_encoding: str = _param(
        '32FC1',
        'Encoding of depth/image: 32FC1 (metres, NaN = unknown) or 16UC1 (millimetres, 0 '
        '= unknown).',
        one_of=DEPTH_ENCODINGS,
    )
    min_depth_m: float = _param(
        0.0,
        'Minimum depth in metres; smaller values become unknown. 0 = limit of the network.',
        between=(0.0, 10000.0),
    )
    max_depth_m: float = _param(
        0.0,
        'Maximum depth in metres; larger values become unknown. 0 = limit of the network.',
        between=(0.0, 10000.0),
    )
    sky_depth: str = _param(
        'nan',
        'Depth of pixels labelled sky: unknown (nan), infinite (inf; RViz shows such an '
        'image black) or as predicted (keep).',
        one_of=('nan', 'inf', 'keep'),
    )
    camera_fov_deg: float = _param(
        0.0,
        'Horizontal field of view in degrees, overriding a missing or wrong camera_info; '
        '0 = use camera_info.',
        between=(0.0, 179.0),
    )
    overlay_opacity: float = _param(
        0.5, 'Opacity of the class colours in overlay/image.', between=(0.0, 1.0)
    )
    points_color: str = _param(
        'class',
        'Colour of the points in depth/points: that of their class, or of the image.',
        one_of=('class', 'image'),
    )
    points_confidence: bool = _param(
        False, 'Add the probability of the class, times 255, to the points.'
    )
    points_stride: int = _param(
        1, 'Make points of every n-th pixel of every n-th row; 1 uses all.', between=(1, 64)
    )
    points_voxel_m: float = _param(
        0.0,
        'Edge in metres of the cubes of which each keeps one point; 0 keeps all points.',
        between=(0.0, 100.0),
    )
    points_classes: tuple[str, ...] = _param(
        ('',), "Names of the classes whose points are kept; [''] keeps all classes."
    )
    lazy: bool = _param(True, 'Skip inference while no output has a subscriber.')
    stale_after_s: float = _param(
        2.0, 'Seconds without an image after which the diagnostics warn.', between=(0.1, 3600.0)
    )
    latency_window: int = _param(
        300,
        'Number of recent frames that the latency percentiles cover.',
        between=(10, 10000),
    )

    def __post_init__(self) -> None:
        for item in fields(self):
            choices, value = item.metadata['one_of'], getattr(self, item.name)
            if choices and value not in choices:
                raise ValueError(f'{item.name} must be one of {", ".join(choices)}, not {value!r}')
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f'{item.name} must be a finite number, not {value}')
        if 0.0 < self.max_depth_m <= self.min_depth_m:
            raise ValueError(
                f'min_depth_m ({self.min_depth_m}) must be less than '
                f'max_depth_m ({self.max_depth_m})'
            )
        if not self.cameras or len(set(self.cameras)) != len(self.cameras):
            raise ValueError(f'cameras must be different names, not {list(self.cameras)}')
        for name in self.cameras:
            if not _CAMERA_NAME.fullmatch(name) and self.cameras != ('',):
                raise ValueError(f'cameras: {name!r} is not a valid namespace')
        infos = self.camera_info_topics
        if infos != ('',) and len(infos) != len(self.cameras):
            raise ValueError(
                f'camera_info_topics must be as many as cameras ({len(self.cameras)}), not '
                f'{list(infos)}'
            )

    def camera_info_topic(self, camera: str) -> str:
        """Give the name of the topic of camera_info that was asked for; empty where none was."""
        names = dict(zip(self.cameras, self.camera_info_topics, strict=False))
        return names.get(camera, '')


def output_options(values: Parameters) -> OutputOptions:
    """Return the options of outputs, which are parameters of the same names."""
    return OutputOptions(
        **{item.name: getattr(values, item.name) for item in fields(OutputOptions)}
    )


def declare(node: Node) -> None:
    """
    Declare every field of Parameters, with its description and range, on the node.

    :raises ParameterException: The user gave a value out of range.
    :raises ValueError: The user gave a value of another type.
    """
    for item in fields(Parameters):
        descriptor = ParameterDescriptor(
            description=item.metadata['description'], read_only=item.metadata['fixed']
        )
        if item.metadata['one_of']:
            descriptor.additional_constraints = f'one of {", ".join(item.metadata["one_of"])}'
            # ROS reads an unquoted nan or inf as a number.
            descriptor.dynamic_typing = 'nan' in item.metadata['one_of']
        if item.metadata['between'] is not None:
            low, high = item.metadata['between']
            if isinstance(item.default, int):
                descriptor.integer_range = [IntegerRange(from_value=low, to_value=high)]
            else:
                limits = FloatingPointRange(from_value=low, to_value=high)
                descriptor.floating_point_range = [limits]
        declare_one(node, item.name, _as_ros(item.default), descriptor)


def read(node: Node) -> Parameters:
    """
    Take the current values from the node.

    :raises ValueError: A value is not among its choices, or values contradict each other.
    """
    found = [node.get_parameter(item.name) for item in fields(Parameters)]
    return Parameters(**{item.name: _from_ros(item) for item in found})


def watch(
    node: Node, on_change: Callable[[Parameters], None], check_all: Callable[[Parameters], object]
) -> None:
    """
    Check every later change as a whole, and report those that were accepted.

    :param check_all: Raises ValueError where the network cannot do what the values ask for.
    :param on_change: Gets all values after each accepted change.
    """
    names = {item.name for item in fields(Parameters)}

    def check(changes: list[Parameter[Any]]) -> SetParametersResult:
        values = {item.name: _from_ros(item) for item in changes if item.name in names}
        try:
            check_all(replace(read(node), **values))
        except ValueError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def report(changes: list[Parameter[Any]]) -> None:
        if any(item.name in names for item in changes):
            on_change(read(node))

    node.add_on_set_parameters_callback(check)
    node.add_post_set_parameters_callback(report)


def _as_ros(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _from_ros(parameter: Parameter[Any]) -> Any:
    value = parameter.value
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, float) and parameter.name == 'sky_depth':
        return f'{value:g}'
    return value
