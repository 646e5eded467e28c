# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The library of the viewer, which only some installations have."""

from __future__ import annotations

import importlib
import sys
from typing import Any

OLDEST_PYTHON = (3, 11)
_INSTALL = "pip install '.[viewer]' in the checkout of segformer_ros, or make viewer"


class ViewerError(ValueError):
    """The viewer cannot be had, or its server has ended."""


def load() -> Any:
    """
    Import rerun.

    :returns: The module rerun; its blueprints are in its attribute blueprint.
    :raises ViewerError: This Python is too old, or rerun-sdk is not installed.
    """
    if sys.version_info < OLDEST_PYTHON:
        found = '.'.join(map(str, sys.version_info[:2]))
        raise ViewerError(
            f'the viewer needs Python 3.11 or later (rerun-sdk has no wheels for others), found '
            f'Python {found}: make PYTHON=python3.12, or look at the results in RViz or Foxglove'
        )
    try:
        rerun = importlib.import_module('rerun')
        importlib.import_module('rerun.blueprint')
    except ImportError as error:
        raise ViewerError(
            f'the viewer needs the package rerun-sdk, which is not installed: {_INSTALL}'
        ) from error
    return rerun
