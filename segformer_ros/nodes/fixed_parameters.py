# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Parameters that hold from the start of a node to its end, as a frozen dataclass."""

from __future__ import annotations

from dataclasses import field, fields
from typing import Any, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
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


def take(node: Node, kind: type[Values]) -> Values:
    """
    Declare one read-only parameter for every field, and read them all.

    :param kind: A dataclass whose fields are made with parameter().
    :raises ParameterException: The user gave a value of another type or out of range.
    :raises ValueError: The dataclass refuses the values.
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
        value = node.declare_parameter(item.name, default, descriptor).value
        values[item.name] = tuple(value) if isinstance(value, (list, tuple)) else value
    return kind(**values)
