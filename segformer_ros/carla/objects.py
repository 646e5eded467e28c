# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The vehicle and its sensors as a file: the format of carla_spawn_objects, read strictly.

Poses are those of ROS: x forward, y left, z up, in metres; roll, pitch and yaw in degrees, a
positive pitch looks down and a positive yaw to the left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import json
import math
from pathlib import Path
import re
from typing import Any

CAMERAS = (
    'sensor.camera.rgb',
    'sensor.camera.depth',
    'sensor.camera.semantic_segmentation',
)

_POSE = ('x', 'y', 'z', 'roll', 'pitch', 'yaw')
_CAMERA_ATTRIBUTES = ('image_size_x', 'image_size_y', 'fov')
_ID = re.compile(r'[A-Za-z]\w*')
_OWN_KEYS = {'type', 'id', 'spawn_point', 'attached_objects', 'sensors'}


class ObjectsError(ValueError):
    """An objects file is not as it should be."""


@dataclass(frozen=True)
class Pose:
    """Metres and degrees, in the axes of ROS."""

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    roll: float = 0.0
    pitch: float = 0.0
    yaw: float = 0.0

    def in_carla(self) -> Pose:
        """Return the same pose in the left-handed axes of CARLA: y right, pitch up, yaw right."""
        return Pose(self.x, -self.y, self.z, self.roll, -self.pitch, -self.yaw)


@dataclass(frozen=True)
class Sensor:
    """
    A sensor on the vehicle.

    :param type: Blueprint of CARLA, or one of the bridge's pseudo sensors.
    :param id: Part of its topics.
    :param attributes: Of the blueprint, as text.
    """

    type: str
    id: str
    pose: Pose
    attributes: Mapping[str, str]

    @property
    def is_camera(self) -> bool:
        """Return whether its topic carries images of a kind that we read."""
        return self.type in CAMERAS


@dataclass(frozen=True)
class Vehicle:
    """
    A vehicle with its sensors.

    :param pose: Where it starts; None leaves that to the map.
    """

    type: str
    id: str
    pose: Pose | None
    sensors: tuple[Sensor, ...]

    @property
    def cameras(self) -> tuple[Sensor, ...]:
        """Return the sensors that are cameras."""
        return tuple(item for item in self.sensors if item.is_camera)


def read_vehicle(path: Path) -> Vehicle:
    """
    Read the only vehicle of an objects file.

    :raises ObjectsError: The file is missing, no JSON, or not as it should be; one sentence.
    """
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise ObjectsError(f'expected an objects file at {path}: {error.strerror}') from error
    except ValueError as error:
        raise ObjectsError(f'expected JSON in {path}: {error}') from error
    try:
        return parse_vehicle(content)
    except ObjectsError as error:
        raise ObjectsError(f'{path}: {error}') from error


def parse_vehicle(content: Any) -> Vehicle:
    """
    Read the only vehicle of what an objects file holds.

    :raises ObjectsError: It is not as it should be.
    """
    objects = _list(_mapping(content, 'the file').get('objects'), 'objects')
    vehicles = [
        item for item in objects if str(_mapping(item, 'an object').get('type')).startswith('veh')
    ]
    if len(vehicles) != 1:
        raise ObjectsError(f'expected one vehicle in objects, found {len(vehicles)}')
    item = vehicles[0]
    kind, name = _names(item, 'vehicle')
    unknown = item.keys() - _OWN_KEYS
    if unknown:
        raise ObjectsError(f'{name} has keys of no meaning: {", ".join(sorted(unknown))}')
    sensors = tuple(_sensor(sensor) for sensor in _list(item.get('sensors'), f'sensors of {name}'))
    ids = [sensor.id for sensor in sensors]
    twice = sorted({sensor for sensor in ids if ids.count(sensor) > 1})
    if twice:
        raise ObjectsError(f'expected every sensor id once, found twice: {", ".join(twice)}')
    pose = _pose(item['spawn_point'], name) if 'spawn_point' in item else None
    return Vehicle(kind, name, pose, sensors)


def _sensor(content: Any) -> Sensor:
    item = _mapping(content, 'a sensor')
    kind, name = _names(item, 'sensor')
    attributes = {}
    for key in item.keys() - _OWN_KEYS:
        value = item[key]
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise ObjectsError(f'expected a number or text for {key} of {name}, found {value!r}')
        attributes[key] = str(value)
    is_pseudo = kind.startswith(('sensor.pseudo.', 'actor.pseudo.'))
    placed = 'spawn_point' in item or not is_pseudo
    pose = _pose(item.get('spawn_point'), name) if placed else Pose()
    if kind in CAMERAS:
        for key in _CAMERA_ATTRIBUTES:
            if not _is_positive(item.get(key)):
                raise ObjectsError(
                    f'expected {key} of {name} to be a number above 0, found {item.get(key)!r}'
                )
    return Sensor(kind, name, pose, attributes)


def _names(item: Mapping[str, Any], prefix: str) -> tuple[str, str]:
    kind, name = item.get('type'), item.get('id')
    prefixes = (f'{prefix}.', 'actor.pseudo.') if prefix == 'sensor' else (f'{prefix}.',)
    if not isinstance(kind, str) or not kind.startswith(prefixes):
        raise ObjectsError(f'expected a type that starts with {prefix}., found {kind!r}')
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise ObjectsError(
            f'expected the id of a {kind} to be letters, digits and _, found {name!r}'
        )
    return kind, name


def _pose(content: Any, owner: str) -> Pose:
    item = _mapping(content, f'spawn_point of {owner}')
    if set(item) != set(_POSE):
        raise ObjectsError(f'expected {", ".join(_POSE)} in spawn_point of {owner}')
    for name in _POSE:
        if not _is_number(item[name]):
            raise ObjectsError(f'expected a number for {name} of {owner}, found {item[name]!r}')
    return Pose(**{name: float(item[name]) for name in _POSE})


def _mapping(content: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(content, dict):
        raise ObjectsError(f'expected {what} to be an object, found {type(content).__name__}')
    return content


def _list(content: Any, what: str) -> list[Any]:
    if not isinstance(content, list):
        raise ObjectsError(f'expected {what} to be a list, found {type(content).__name__}')
    return content


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_positive(value: Any) -> bool:
    return _is_number(value) and value > 0
