# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Training of the network on any datasets, from a recipe."""
