# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parameters of segformer_node: declared, checked, read and documented from one class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, make_dataclass, replace
import re
from typing import Any, TypeVar

from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter
from segformer_ros.engines.cuda import APIS as CUDA_APIS
from segformer_ros.image_encoding import DEPTH_ENCODINGS
from segformer_ros.inference.backend_table import LISTING, PRECISIONS
from segformer_ros.inference.results import IMAGE_ROTATIONS
from segformer_ros.inference.road_scale import HEIGHTS_M, MAX_PITCH_DEG
from segformer_ros.inference.schedule import SCHEDULES
from segformer_ros.inference.temporal import TEMPORAL
from segformer_ros.labels import DISTINCT, PALETTES
from segformer_ros.nodes.fixed_parameters import (
    check_cameras,
    check_values,
    parameter,
    read,
    values_of,
)
from segformer_ros.output_topics.frame import OutputOptions
from segformer_ros.output_topics.table import OUTPUTS

_Kind = TypeVar('_Kind')
_CAMERA_NAME = re.compile(r'[A-Za-z][A-Za-z0-9_]*(/[A-Za-z][A-Za-z0-9_]*)*')


def _with_switches(kind: type[_Kind]) -> type[_Kind]:
    """Add the parameters that switch outputs off, as the table of outputs has them."""
    switches = [
        (item.switch, bool, parameter(True, f'Publish {item.topic}.', fixed=False))
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

    model: str = parameter('road_b0', 'Network: name of a shipped one, or path of a bundle.')
    backend: str = parameter(
        'auto',
        f'Inference backend: {LISTING}: the fastest that is installed and passes its checks.',
    )
    precision: str = parameter(
        'float32',
        "Precisions that 'auto' may use: float32 only, or any.",
        one_of=PRECISIONS,
    )
    cuda_api: str = parameter(
        'auto',
        'Package through which TensorRT gets memory and streams; auto takes cuda-python, '
        'else pycuda.',
        one_of=CUDA_APIS,
    )
    require_tensorrt: bool = parameter(
        False,
        'Publish nothing until TensorRT runs, instead of using another backend while its '
        'engines are built or after it has failed.',
    )
    build_only: bool = parameter(False, 'Build the TensorRT engines, check them and exit.')
    threads: int = parameter(
        0,
        'Number of CPU threads for inference; 0 leaves the choice to the backend.',
        between=(0, 256),
    )
    schedule: str = parameter(
        'auto',
        'Order of two networks in one bundle: sequential (one after the other), parallel (on two '
        'threads), or whichever is faster in the first frames (auto).',
        one_of=SCHEDULES,
    )
    autostart: bool = parameter(True, 'Configure and activate automatically at start-up.')
    cameras: tuple[str, ...] = parameter(
        ('',),
        "Camera namespaces, e.g. [front, left]. Leave at [''] for a single camera "
        'without a namespace.',
    )
    camera_info_topics: tuple[str, ...] = parameter(
        ('',),
        'Topics of camera_info, one per camera; an empty name means camera_info in the '
        'namespace of the camera.',
    )
    transport: str = parameter(
        'raw',
        "Image topic to subscribe to: 'image' (raw) or 'image/compressed' (compressed: "
        'jpeg, png).',
        one_of=('raw', 'compressed'),
    )
    camera_height_m: float = parameter(
        0.0,
        'Height of the camera above the road in metres, by which depth is scaled where the labels '
        'show a road, 0.1 to 10; 0 = depth as the network gives it.',
        between=(0.0, HEIGHTS_M[1]),
    )
    camera_pitch_deg: float = parameter(
        0.0,
        'Angle in degrees by which the camera looks down, for camera_height_m with relative '
        'inverse depth.',
        between=(-MAX_PITCH_DEG, MAX_PITCH_DEG),
    )
    segmentation: bool = parameter(True, 'Compute labels.', fixed=False)
    depth: bool = parameter(True, 'Compute depth.', fixed=False)
    depth_encoding: str = parameter(
        '32FC1',
        'Encoding of depth/image: 32FC1 (metres, NaN = unknown) or 16UC1 (millimetres, 0 '
        '= unknown).',
        one_of=DEPTH_ENCODINGS,
        fixed=False,
    )
    min_depth_m: float = parameter(
        0.0,
        'Minimum depth in metres; smaller values become unknown. 0 = limit of the network.',
        between=(0.0, 10000.0),
        fixed=False,
    )
    max_depth_m: float = parameter(
        0.0,
        'Maximum depth in metres; larger values become unknown. 0 = limit of the network.',
        between=(0.0, 10000.0),
        fixed=False,
    )
    min_depth_confidence: float = parameter(
        0.0,
        'Minimum probability of a depth to be right within a factor of 1.25; depths below it '
        'become unknown, in all outputs. 0 keeps all. Needs a network with depth confidence.',
        between=(0.0, 1.0),
        fixed=False,
    )
    sky_depth: str = parameter(
        'nan',
        'Depth of pixels labelled sky: unknown (nan), infinite (inf; RViz shows such an '
        'image black) or as predicted (keep).',
        one_of=('nan', 'inf', 'keep'),
        fixed=False,
    )
    image_rotation: int = parameter(
        0,
        'Degrees by which images have to be turned clockwise to be upright, for a camera that is '
        'mounted rotated; outputs stay in the geometry of the camera.',
        one_of=IMAGE_ROTATIONS,
        fixed=False,
    )
    camera_fov_deg: float = parameter(
        0.0,
        'Horizontal field of view in degrees, overriding a missing or wrong camera_info; '
        '0 = use camera_info.',
        between=(0.0, 179.0),
        fixed=False,
    )
    overlay_opacity: float = parameter(
        0.5, 'Opacity of the class colours in overlay/image.', between=(0.0, 1.0), fixed=False
    )
    overlay_palette: str = parameter(
        DISTINCT,
        'Colours of the classes in overlay/image: distinct (can be told apart by colour-blind '
        'readers), network (those of label/classes), carla or cityscapes.',
        one_of=PALETTES,
        fixed=False,
    )
    overlay_legend: bool = parameter(
        False, 'Name the classes in overlay/image at its lower edge.', fixed=False
    )
    temporal: str = parameter(
        'off',
        'Calm labels, or labels and depth (both), with the frame before, moved by optical flow.',
        one_of=TEMPORAL,
        fixed=False,
    )
    points_color: str = parameter(
        'class',
        'Colour of the points in depth/points: that of their class, or of the image.',
        one_of=('class', 'image'),
        fixed=False,
    )
    points_confidence: bool = parameter(
        False, 'Add the probability of the class, times 255, to the points.', fixed=False
    )
    points_stride: int = parameter(
        1,
        'Make points of every n-th pixel of every n-th row; 1 uses all.',
        between=(1, 64),
        fixed=False,
    )
    points_voxel_m: float = parameter(
        0.0,
        'Edge in metres of the cubes of which each keeps one point; 0 keeps all points.',
        between=(0.0, 100.0),
        fixed=False,
    )
    points_classes: tuple[str, ...] = parameter(
        ('',),
        "Names of the classes whose points are kept; [''] keeps all classes.",
        fixed=False,
    )
    lazy: bool = parameter(True, 'Skip inference while no output has a subscriber.', fixed=False)
    stale_after_s: float = parameter(
        2.0,
        'Seconds without an image after which the diagnostics warn.',
        between=(0.1, 3600.0),
        fixed=False,
    )
    latency_window: int = parameter(
        300,
        'Number of recent frames that the latency percentiles cover.',
        between=(10, 10000),
        fixed=False,
    )

    def __post_init__(self) -> None:
        check_values(self)
        if self.image_rotation and self.camera_height_m:
            raise ValueError(
                'camera_height_m scales depth by the road of an upright image: leave it at 0 with '
                f'image_rotation {self.image_rotation}'
            )
        if self.camera_height_m and not HEIGHTS_M[0] <= self.camera_height_m <= HEIGHTS_M[1]:
            raise ValueError(
                f'camera_height_m must be 0 or {HEIGHTS_M[0]} to {HEIGHTS_M[1]:g}, not '
                f'{self.camera_height_m}'
            )
        if 0.0 < self.max_depth_m <= self.min_depth_m:
            raise ValueError(
                f'min_depth_m ({self.min_depth_m}) must be less than '
                f'max_depth_m ({self.max_depth_m})'
            )
        check_cameras(self.cameras)
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
        """Return the name of the topic of camera_info that was asked for; empty where none was."""
        names = dict(zip(self.cameras, self.camera_info_topics, strict=False))
        return names.get(camera, '')


def output_options(values: Parameters) -> OutputOptions:
    """Return the options of outputs, which are parameters of the same names."""
    return OutputOptions(
        **{item.name: getattr(values, item.name) for item in fields(OutputOptions)}
    )


def watch(
    node: Node, on_change: Callable[[Parameters], None], check_all: Callable[[Parameters], object]
) -> None:
    """
    Check every later change as a whole, and report those that were accepted.

    :param check_all: Raises ValueError where the network cannot do what the values ask for.
    :param on_change: Gets all values after each accepted change.
    """

    def check(changes: list[Parameter[Any]]) -> SetParametersResult:
        try:
            check_all(replace(read(node, Parameters), **values_of(Parameters, changes)))
        except ValueError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def report(changes: list[Parameter[Any]]) -> None:
        if values_of(Parameters, changes):
            on_change(read(node, Parameters))

    node.add_on_set_parameters_callback(check)
    node.add_post_set_parameters_callback(report)
