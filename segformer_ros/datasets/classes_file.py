# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""classes.yaml: what the images, labels and depth of a plain folder mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
import difflib
import math
from pathlib import Path
from typing import Any

from segformer_ros.camera import Intrinsics
from segformer_ros.datasets.sample import check_intrinsics, DatasetError
from segformer_ros.labels import distinct_color, label_set, LabelClass, LabelSet, VOID
import yaml

NAME = 'classes.yaml'
TREE = 'classes.yaml, images/NAME.png, labels/NAME.png, depth/NAME.png or .npy'
"""The layout of a plain folder."""

_KEYS = ('name', 'label_set', 'classes', 'labels', 'depth', 'camera', 'splits')
_CAMERA = ('fx', 'fy', 'cx', 'cy', 'width', 'height', 'camera_fov_deg')


@dataclass(frozen=True)
class FolderFacts:
    """
    What classes.yaml says.

    :param label_set: None: it has no classes.
    :param by_color: Labels are stored in the colours of the classes, not as ids.
    :param depth_scale: Stored number of one metre; None: depth in whole numbers cannot be read.
    :param sky_code: Stored number that means the sky.
    :param camera: The keys of camera, as numbers.
    :param splits: Sub-folders of images/, or one list file, by split; empty: not said.
    """

    label_set: LabelSet | None = None
    by_color: bool = False
    depth_scale: float | None = None
    sky_code: int | None = None
    camera: Mapping[str, float] = field(default_factory=dict)
    splits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def intrinsics(self, width: int, height: int) -> Intrinsics | None:
        """Return the intrinsics of an image of this size; None: they are unknown."""
        if not self.camera:
            return None
        if 'camera_fov_deg' in self.camera:
            return Intrinsics.from_fov(width, height, self.camera['camera_fov_deg'])
        return _intrinsics(self.camera).resized(width, height)


def read(path: Path) -> FolderFacts:
    """
    Read a classes.yaml.

    :raises DatasetError: It is missing or says something that has no sense.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise DatasetError(
            f'expected {TREE} in {path.parent}, found no {NAME}: {error.strerror}'
        ) from error
    except yaml.YAMLError as error:
        raise DatasetError(f'{path}: not YAML: {" ".join(str(error).split())}') from error
    values = _keys(path, '', content, _KEYS)
    labels = _keys(path, 'labels', values.get('labels'), ('stored',))
    stored = labels.get('stored', 'ids')
    if stored not in {'ids', 'colors'}:
        raise DatasetError(f'{path}: labels.stored must be ids or colors, not {stored!r}')
    depth = _keys(path, 'depth', values.get('depth'), ('scale', 'sky'))
    scale, sky = depth.get('scale'), depth.get('sky')
    if scale is not None:
        scale = _number(path, 'depth.scale', scale)
    if sky is not None and type(sky) is not int:
        raise DatasetError(f'{path}: depth.sky must be a whole number, not {sky!r}')
    classes = _label_set(path, values)
    if classes is not None:
        _check_unique(path, classes, by_color=stored == 'colors')
    return FolderFacts(
        classes,
        stored == 'colors',
        scale,
        sky,
        _camera(path, values.get('camera')),
        _splits(path, values.get('splits')),
    )


def _keys(path: Path, part: str, content: object, known: tuple[str, ...]) -> Mapping[str, Any]:
    if content is None:
        return {}
    where = f'{path}: {part}' if part else str(path)
    if not isinstance(content, Mapping):
        raise DatasetError(f'{where}: expected keys and values, got {content!r}')
    for key in content:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, 1, 0.0)[0]
            raise DatasetError(f'{where}: unknown key {key!r}, the nearest known one is {near!r}')
    return content


def _number(path: Path, name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
        raise DatasetError(f'{path}: {name} must be a number above 0, not {value!r}')
    return float(value)


def _label_set(path: Path, values: Mapping[str, Any]) -> LabelSet | None:
    if 'label_set' in values and 'classes' in values:
        raise DatasetError(f'{path}: expected label_set or classes, found both')
    if 'label_set' in values:
        try:
            return label_set(str(values['label_set']))
        except ValueError as error:
            raise DatasetError(f'{path}: {error}') from error
    if 'classes' not in values:
        return None
    rows = values['classes']
    if not isinstance(rows, list) or not rows:
        raise DatasetError(f'{path}: classes must be a list of classes, not {rows!r}')
    classes = tuple(_class(path, number, row) for number, row in enumerate(rows))
    name = values.get('name', path.resolve().parent.name)
    return LabelSet(str(name), classes)


def _check_unique(path: Path, label_set: LabelSet, *, by_color: bool) -> None:
    for what in ('id', 'name', 'color') if by_color else ('id', 'name'):
        found = [getattr(item, what) for item in label_set.classes]
        double = [value for number, value in enumerate(found) if value in found[:number]]
        if double:
            raise DatasetError(f'{path}: two classes have the {what} {double[0]!r}')


def _class(path: Path, number: int, row: object) -> LabelClass:
    """Read a name, or a mapping with name and perhaps id and color."""
    values = _keys(
        path, f'class {number}', {'name': row} if isinstance(row, str) else row, tuple(_CLASS)
    )
    for key, (fits, what) in _CLASS.items():
        if key in values and not fits(values[key]):
            raise DatasetError(f'{path}: class {number}: {key} must be {what}: {values[key]!r}')
    if 'name' not in values:
        raise DatasetError(f'{path}: class {number} has no name')
    own_id = values.get('id', number)
    if own_id >= VOID:
        raise DatasetError(
            f'{path}: expected at most {VOID} classes, found more: label images hold one byte, '
            f'{VOID} for unknown; leave classes out'
        )
    red, green, blue = values.get('color', distinct_color(own_id))
    return LabelClass(own_id, values['name'], (red, green, blue))


def _is_byte(value: object) -> bool:
    return type(value) is int and 0 <= value <= 255


_CLASS: dict[str, tuple[Any, str]] = {
    'id': (lambda value: _is_byte(value) and value != VOID, 'a whole number from 0 to 254'),
    'name': (lambda value: isinstance(value, str) and bool(value), 'text'),
    'color': (
        lambda value: isinstance(value, list) and len(value) == 3 and all(map(_is_byte, value)),
        'red, green, blue from 0 to 255',
    ),
}


def _camera(path: Path, content: object) -> Mapping[str, float]:
    values = {
        name: _number(path, f'camera.{name}', value)
        for name, value in _keys(path, 'camera', content, _CAMERA).items()
    }
    if values and set(values) not in ({'camera_fov_deg'}, set(_CAMERA[:-1])):
        raise DatasetError(
            f'{path}: camera must be camera_fov_deg alone, or fx, fy, cx, cy, width and height, '
            f'got {", ".join(values)}'
        )
    if values.get('camera_fov_deg', 90.0) >= 180.0:
        raise DatasetError(f'{path}: camera.camera_fov_deg must be below 180')
    if len(values) > 1:
        check_intrinsics(_intrinsics(values), f'{path}')
    return values


def _intrinsics(camera: Mapping[str, float]) -> Intrinsics:
    fx, fy, cx, cy, width, height = (camera[name] for name in _CAMERA[:-1])
    return Intrinsics(fx, fy, cx, cy, int(width), int(height))


def _splits(path: Path, content: object) -> Mapping[str, tuple[str, ...]]:
    splits = {}
    for name, value in _keys(path, 'splits', content, ('train', 'val', 'test')).items():
        parts = value if isinstance(value, list) else [value]
        if not parts or not all(isinstance(part, str) and part for part in parts):
            raise DatasetError(
                f'{path}: splits.{name} must be sub-folders of images/ or a list file ending in '
                f'.txt, not {value!r}'
            )
        splits[name] = tuple(parts)
    return splits
