# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Semantic labels and metric depth from one camera image, for ROS 2."""

from pkgutil import extend_path

# The generated messages (segformer_ros.msg) are installed elsewhere than a checkout.
__path__ = extend_path(__path__, __name__)
