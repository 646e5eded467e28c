# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parts of bench/baselines.py: who takes part, how turns are timed, what is written."""
