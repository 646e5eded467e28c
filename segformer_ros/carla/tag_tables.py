# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which semantic tags a version of CARLA uses."""

from __future__ import annotations

from importlib import metadata
import re

from segformer_ros.labels import CARLA_010, CARLA_0914, CARLA_099, LabelSet, SHIFT_23

TAG_TABLES: dict[str, LabelSet] = {
    't1': CARLA_099,
    't2': SHIFT_23,
    't3': CARLA_0914,
    't3_ue5': CARLA_010,
}
"""By name: up to 0.9.9, 0.9.10 to 0.9.13, 0.9.14 to 0.9.x, and 0.10 on Unreal Engine 5."""


def tag_table(name: str, version: str | None = None) -> LabelSet:
    """
    Find the table of a name, or with 'auto' that of a CARLA version.

    :param version: Such as '0.9.16'; None asks for the installed `carla` client, without
        importing it. Where there is none either, 'auto' is the newest table of 0.9.
    :raises ValueError: There is no table of this name, or the version is none.
    """
    if name in TAG_TABLES:
        return TAG_TABLES[name]
    if name != 'auto':
        raise ValueError(f'tag_table must be one of auto, {", ".join(TAG_TABLES)}, not {name!r}')
    known = version or installed_version()
    return TAG_TABLES['t3' if known is None else _name_for(known)]


def installed_version() -> str | None:
    """Return the version of the `carla` client that is installed; None without one."""
    try:
        return metadata.version('carla')
    except metadata.PackageNotFoundError:
        return None


def _name_for(version: str) -> str:
    found = re.match(r'(\d+)\.(\d+)(?:\.(\d+))?', version)
    if found is None:
        raise ValueError(
            f'expected a version of CARLA such as 0.9.16, got {version!r}: set tag_table'
        )
    numbers = tuple(int(number or 0) for number in found.groups())
    if numbers >= (0, 10, 0):
        return 't3_ue5'
    if numbers >= (0, 9, 14):
        return 't3'
    return 't2' if numbers >= (0, 9, 10) else 't1'
