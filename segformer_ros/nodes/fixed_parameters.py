# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Parameters that hold from the start of a node to its end, as a frozen dataclass."""

from __future__ import annotations

from dataclasses import field, fields
from typing import Any, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import InvalidParameterTypeException
from rclpy.node import Node

Values = TypeVar('Values')


def parameter(
    default: Any, description: str, *, between: tuple[float, float] | None = None
) -> Any:
    """
    Make the field of a dataclass that stands for one parameter.

    :param between: Smallest and largest value that is accepted.
    """
    return field(default=default, metadata={'description': description, 'between': between})


_KINDS: dict[type, str] = {
    bool: 'true or false',
    int: 'a whole number',
    float: 'a number',
    str: 'a text, in quotes where it looks like something else',
    list: 'a list of texts such as [one, two]',
}


def declare(node: Node, name: str, default: Any, descriptor: ParameterDescriptor) -> Any:
    """
    Declare one parameter and give its value; a whole number will do where a number is expected.

    :param default: Its type is that of the parameter.
    :raises ParameterException: The value is out of range.
    :raises ValueError: The value is of another type.
    """
    try:
        return node.declare_parameter(name, default, descriptor).value
    except InvalidParameterTypeException:
        loose = ParameterDescriptor(dynamic_typing=True)
        found = node.declare_parameter(name, default, loose).value
        node.undeclare_parameter(name)
    if type(default) is float and type(found) is int:
        return node.declare_parameter(name, float(found), descriptor, ignore_override=True).value
    raise ValueError(f'{name}: expected {_KINDS[type(default)]}, found {found!r}')


def take(node: Node, kind: type[Values]) -> Values:
    """
    Declare one read-only parameter for every field, and read them all.

    :param kind: A dataclass whose fields are made with parameter().
    :raises ParameterException: The user gave a value out of range.
    :raises ValueError: A value is of another type, or the dataclass refuses the values.
    """
    values = {}
    for item in fields(kind):  # type: ignore[arg-type]
        descriptor = ParameterDescriptor(description=item.metadata['description'], read_only=True)
        if item.metadata['between'] is not None:
            low, high = item.metadata['between']
            if isinstance(item.default, int):
                descriptor.integer_range = [IntegerRange(from_value=low, to_value=high)]
            else:
                limits = FloatingPointRange(from_value=low, to_value=high)
                descriptor.floating_point_range = [limits]
        default = list(item.default) if isinstance(item.default, tuple) else item.default
        value = declare(node, item.name, default, descriptor)
        values[item.name] = tuple(value) if isinstance(value, (list, tuple)) else value
    return kind(**values)
