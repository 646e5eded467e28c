# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The Python classes of message types that are known by name only."""

from __future__ import annotations

import importlib
from typing import Any


def message_class(name: str) -> Any | None:
    """
    Find the class of a message type.

    :param name: Such as 'sensor_msgs/msg/Image'.
    :returns: None where the package of the type is not installed.
    """
    package, _, kind = name.partition('/msg/')
    try:
        return getattr(importlib.import_module(f'{package}.msg'), kind, None)
    except ImportError:
        return None
