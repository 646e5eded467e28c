# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images, folders of images and video files: read, written and put through the network."""
