# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with a bundle, in one sentence."""

from __future__ import annotations


class BundleError(RuntimeError):
    """A bundle is missing, incomplete, damaged, of another format or not what it claims."""

    def __init__(self, where: object, *, expected: str, found: str, do: str) -> None:
        """
        Build the message, one sentence.

        :param where: The bundle, or the place in it.
        :param do: What the reader can do about it.
        """
        super().__init__(f'{where}: expected {expected}, found {found}: {do}')
