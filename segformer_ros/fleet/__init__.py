# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Many recordings through a network: cut into shards, computed by workers, nothing twice."""
