# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The known name that somebody who mistyped another may have meant."""

from __future__ import annotations

from collections.abc import Iterable
import difflib


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """
    Return the end of a message about an unknown name.

    :returns: "; did you mean 'NAME'?", or nothing where no known name is similar.
    """
    near = difflib.get_close_matches(str(name), list(known), 1)
    return f'; did you mean {near[0]!r}?' if near else ''
