# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Encoders of a few thousand weights in the place of the published ones; none without torch."""

from importlib.util import find_spec
import os

import pytest

NEEDED = ('torch', 'safetensors', 'huggingface_hub')
NARROW = (16, 32, 40, 64)


def is_there(name):
    """Return whether a package is installed."""
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


if not all(is_there(name) for name in NEEDED):
    if 'torch' in os.environ.get('SEGFORMER_TEST_REQUIRES', '').split(','):
        raise ImportError(f'SEGFORMER_TEST_REQUIRES names torch, but one of {NEEDED} is missing')
    collect_ignore_glob = ['test_*.py']


@pytest.fixture(autouse=True)
def small_sizes(monkeypatch):
    """Make b0, b3 and b4 small; b4 keeps the 64 channels of its finest stage."""
    from segformer_ros.network import mix_transformer
    from segformer_ros.network.mix_transformer import EncoderSize

    sizes = {
        'b0': EncoderSize(NARROW, (1, 1, 2, 1), 24),
        'b3': EncoderSize(NARROW, (1, 2, 1, 1), 24),
        'b4': EncoderSize((64, 32, 40, 128), (1, 1, 1, 1), 24),
    }
    for name, size in sizes.items():
        monkeypatch.setitem(mix_transformer.SIZES, name, size)
    return sizes


@pytest.fixture
def image():
    """Return the input of every comparison, float64."""
    import torch

    generator = torch.Generator().manual_seed(4)
    return torch.randn(1, 3, 64, 96, generator=generator, dtype=torch.float64)
