# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Definitions of message types: the common ones, ours, and those of an installed ROS."""

from __future__ import annotations

from collections.abc import Iterable
import os
from pathlib import Path
import sys
from typing import Any

from rosbags.typesys import get_types_from_msg, get_typestore, Stores, TypesysError
from rosbags.typesys.store import Typestore

# The fields of msg/, for those who installed this package without building its messages.
_OWN = {
    'segformer_ros/msg/LabelClass': """uint16 class_id
string class_name
uint8 red
uint8 green
uint8 blue
""",
    'segformer_ros/msg/LabelClasses': """std_msgs/Header header
LabelClass[] class_map
string source
float32 threshold
""",
}


# The distributions whose types are known; the first one where none is named or sourced.
DISTRIBUTIONS: dict[str, Stores] = {
    'jazzy': Stores.ROS2_JAZZY,
    'kilted': Stores.ROS2_KILTED,
    'lyrical': Stores.ROS2_LYRICAL,
    'humble': Stores.ROS2_HUMBLE,
}


def make_store(distribution: str = '') -> Typestore:
    """
    Return a store of the message types of a ROS 2 distribution, label/classes included.

    :param distribution: A name of DISTRIBUTIONS; without one the sourced ROS 2 (ROS_DISTRO), and
        Jazzy where none of them is sourced.
    :raises ValueError: The name is another one.
    """
    if distribution and distribution not in DISTRIBUTIONS:
        raise ValueError(
            f'expected a ROS 2 distribution of {", ".join(DISTRIBUTIONS)}, found {distribution!r}'
        )
    name = distribution or os.environ.get('ROS_DISTRO', '')
    store = get_typestore(DISTRIBUTIONS.get(name, Stores.ROS2_JAZZY))
    for name, text in _OWN.items():
        store.register(get_types_from_msg(text, name))
    return store


def learn(store: Typestore, name: str, definition: str) -> bool:
    """
    Add a type to a store from the text that a bag carries.

    :param definition: Text of the type and of those it is made of, as bags keep it.
    :returns: Whether the store knows the type now.
    """
    if name in store.fielddefs:
        return True
    try:
        types = get_types_from_msg(definition, name)
        store.register({key: value for key, value in types.items() if key not in store.fielddefs})
    except TypesysError:
        return False
    return name in store.fielddefs


def learn_installed(store: Typestore, name: str) -> bool:
    """
    Add a type to a store from the .msg files of the ROS installation around this process.

    :returns: Whether the store knows the type now.
    """
    wanted, definitions = [name], dict[str, str]()
    while wanted:
        current = wanted.pop()
        if current in store.fielddefs or current in definitions:
            continue
        text = _installed_text(current)
        if text is None:
            return False
        definitions[current] = text
        try:
            found: dict[str, Any] = dict(get_types_from_msg(text, current))
        except TypesysError:
            return False
        wanted += _names_in(found)
    for current, text in definitions.items():
        store.register(get_types_from_msg(text, current))
    return name in store.fielddefs


def _installed_text(name: str) -> str | None:
    package, _, kind = name.partition('/msg/')
    prefixes = [*os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep), sys.prefix]
    for prefix in filter(None, prefixes):
        path = Path(prefix, 'share', package, 'msg', f'{kind}.msg')
        if path.is_file():
            return path.read_text('utf-8')
    return None


def _names_in(definitions: dict[str, Any]) -> Iterable[str]:
    """Yield the message types that definitions (of rosbags) refer to."""

    def walk(item: Any) -> Iterable[str]:
        if isinstance(item, str) and '/msg/' in item:
            yield item
        elif isinstance(item, (list, tuple)):
            for inner in item:
                yield from walk(inner)

    for _, fields in definitions.values():
        yield from walk(fields)
