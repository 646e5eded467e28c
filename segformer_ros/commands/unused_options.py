# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Options that would be ignored are refused, so that no one relies on them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable


def refuse(
    args: argparse.Namespace,
    declare: Callable[[argparse.ArgumentParser], object],
    options: Iterable[str],
    reason: str,
) -> None:
    """
    Look whether options were set that have no effect.

    :param declare: Declares the arguments of the command.
    :param options: Such as '--max-width'.
    :param reason: What they apply to.
    :raises ValueError: One has another value than its default; it is named.
    """
    parser = argparse.ArgumentParser()
    declare(parser)
    for option in options:
        name = option.removeprefix('--').replace('-', '_')
        if getattr(args, name) != parser.get_default(name):
            raise ValueError(f'{option} {reason}: leave it out')
