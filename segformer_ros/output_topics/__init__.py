# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The output topics of a camera, live and in bags: what there is, and how each message is made."""
