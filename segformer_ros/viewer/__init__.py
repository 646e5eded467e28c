# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Results in the browser, by Rerun: one scene for live topics, bags, videos and images."""
