# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How images become the input of the network where nothing else is said: as for ImageNet."""

MEAN = (0.485, 0.456, 0.406)
"""Of red, green and blue on the 0 to 1 scale; what is subtracted."""
STD = (0.229, 0.224, 0.225)
"""What the difference is divided by."""
