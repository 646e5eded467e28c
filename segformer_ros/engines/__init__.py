# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""TensorRT and CUDA below the backends: engines built and kept, memory, streams, kernels."""
