# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parameters of a node as a frozen dataclass, one field each: declared, checked, read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import Field, field, fields
import math
from typing import Any, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import InvalidParameterTypeException
from rclpy.node import Node
from rclpy.parameter import Parameter

Values = TypeVar('Values')


def parameter(
    default: Any,
    description: str,
    *,
    between: tuple[float, float] | None = None,
    one_of: tuple[str, ...] | tuple[int, ...] = (),
    fixed: bool = True,
) -> Any:
    """
    Make the field of a dataclass that stands for one parameter.

    :param between: Smallest and largest value that is accepted.
    :param one_of: The texts or numbers that are accepted; empty accepts any.
    :param fixed: Whether it holds from the start of the node to its end.
    """
    facts = {'description': description, 'between': between, 'one_of': one_of, 'fixed': fixed}
    return field(default=default, metadata=facts)


_KINDS: dict[type, str] = {
    bool: 'true or false',
    int: 'a whole number',
    float: 'a number',
    str: 'a text, in quotes where it looks like something else',
    list: 'a list of texts such as [one, two]',
}


def declare(node: Node, kind: type[Any]) -> None:
    """
    Declare a parameter for every field of a class, with its description and range, on the node.

    A whole number will do where a number is expected.

    :param kind: A dataclass whose fields are made with parameter().
    :raises ParameterException: The user gave a value out of range.
    :raises ValueError: The user gave a value of another type.
    """
    for item in fields(kind):
        default = list(item.default) if isinstance(item.default, tuple) else item.default
        _declare(node, item.name, default, _descriptor(item))


def read(node: Node, kind: type[Values]) -> Values:
    """
    Return the current values of declared parameters.

    :raises ValueError: The dataclass refuses the values.
    """
    names = [item.name for item in fields(kind)]  # type: ignore[arg-type]
    return kind(**values_of(kind, [node.get_parameter(name) for name in names]))


def take(node: Node, kind: type[Values]) -> Values:
    """
    Declare and read a whole class, see declare() and read().

    :raises ParameterException: The user gave a value out of range.
    :raises ValueError: A value is of another type, or the dataclass refuses the values.
    """
    declare(node, kind)
    return read(node, kind)


def values_of(kind: type[Any], found: Sequence[Parameter[Any]]) -> dict[str, Any]:
    """Return the values of those parameters that are fields of a class, by name."""
    defaults = {item.name: item.default for item in fields(kind)}
    return {
        item.name: _from_ros(item.value, defaults[item.name])
        for item in found
        if item.name in defaults
    }


def check_values(values: Any) -> None:
    """
    Check the fields of a class against their choices, for its __post_init__.

    :raises ValueError: A text is not among its choices, or a number is not finite.
    """
    for item in fields(values):
        choices, value = item.metadata['one_of'], getattr(values, item.name)
        if choices and value not in choices:
            raise ValueError(f'{item.name} must be one of {_listed(choices)}, not {value!r}')
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f'{item.name} must be a finite number, not {value}')


def check_cameras(names: Sequence[str]) -> None:
    """
    Check the parameter cameras of a node.

    :raises ValueError: There is none, or one is named twice.
    """
    if not names or len({*names}) != len(names):
        raise ValueError(f'cameras must be different names, not {list(names)}')


def _listed(choices: tuple[Any, ...]) -> str:
    return ', '.join(map(str, choices))


def _descriptor(item: Field[Any]) -> ParameterDescriptor:
    facts = item.metadata
    descriptor = ParameterDescriptor(description=facts['description'], read_only=facts['fixed'])
    if facts['one_of']:
        descriptor.additional_constraints = f'one of {_listed(facts["one_of"])}'
        # ROS reads an unquoted nan or inf as a number, and off as false.
        descriptor.dynamic_typing = not {'nan', 'off'}.isdisjoint(facts['one_of'])
    if facts['between'] is not None:
        low, high = facts['between']
        if isinstance(item.default, int):
            descriptor.integer_range = [IntegerRange(from_value=low, to_value=high)]
        else:
            limits = FloatingPointRange(from_value=low, to_value=high)
            descriptor.floating_point_range = [limits]
    return descriptor


def _declare(node: Node, name: str, default: Any, descriptor: ParameterDescriptor) -> None:
    try:
        node.declare_parameter(name, default, descriptor)
    except InvalidParameterTypeException:
        loose = ParameterDescriptor(dynamic_typing=True)
        found = node.declare_parameter(name, default, loose).value
        node.undeclare_parameter(name)
    else:
        return
    if type(default) is not float or type(found) is not int:
        raise ValueError(f'{name}: expected {_KINDS[type(default)]}, found {found!r}')
    node.declare_parameter(name, float(found), descriptor, ignore_override=True)


def _from_ros(value: Any, default: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return tuple(value)
    if isinstance(value, float) and isinstance(default, str):
        return f'{value:g}'
    if value is False and isinstance(default, str):
        return 'off'
    return value
