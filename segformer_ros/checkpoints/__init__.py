# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of every format, read into one network and written from it."""

from segformer_ros.checkpoints.source import load, load_encoder, LoadedModel, read

__all__ = ['LoadedModel', 'load', 'load_encoder', 'read']
