# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is wrong with the bytes of an image."""


class EncodingError(ValueError):
    """The bytes of an image are damaged, not what its fields say, or of a kind not taken."""
