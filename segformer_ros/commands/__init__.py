# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The commands of `segformer`, one module each: HELP, add_arguments(parser), run(args) -> int."""
