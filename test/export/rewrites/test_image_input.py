# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Bytes as input: the mean is subtracted, the rest is in the weights."""

import pytest

torch = pytest.importorskip('torch', reason='the rewrites need torch')

from random_network import randomize, relative_error  # noqa: E402
from segformer_ros.export.rewrites.image_input import ByteInput, fold_std  # noqa: E402
from torch import nn  # noqa: E402

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.fixture
def conv():
    """Return a first convolution as encoders have it."""
    return randomize(nn.Conv2d(3, 8, 7, 4, 3)).double()


@pytest.fixture
def image():
    """Return two images of bytes."""
    random = torch.Generator().manual_seed(5)
    return torch.randint(0, 256, (2, 32, 48, 3), dtype=torch.uint8, generator=random)


def normalized(image):
    """Normalise as the run time does: (N, 3, H, W)."""
    mean, std = (torch.tensor(value, dtype=torch.float64) for value in (MEAN, STD))
    return ((image.double() / 255.0 - mean) / std).permute(0, 3, 1, 2)


@torch.no_grad()
def test_bytes_give_what_the_normalised_image_gave(conv, image):
    """The deviation divides the weights; the mean is subtracted before the padding."""
    found = fold_std(conv, STD)(ByteInput(MEAN)(image))

    assert relative_error(found, conv(normalized(image))) < 1e-12


@torch.no_grad()
def test_reversed_weights_and_mean_take_bgr(conv, image):
    """The order of the channels costs nothing either."""
    folded = fold_std(conv, STD)
    folded.weight.copy_(folded.weight.flip(1))

    found = folded(ByteInput(MEAN[::-1])(image.flip(3)))

    assert relative_error(found, conv(normalized(image))) < 1e-12


@torch.no_grad()
def test_the_mean_folded_into_the_bias_is_wrong_at_the_border(conv, image):
    """There the padding would be black instead of the mean colour; inside it is exact."""
    folded = fold_std(conv, STD)
    mean = 255.0 * torch.tensor(MEAN, dtype=torch.float64)
    bias = conv.bias - folded.weight.sum((2, 3)) @ mean
    expected = conv(normalized(image))

    tried = nn.functional.conv2d(
        image.double().permute(0, 3, 1, 2), folded.weight, bias, stride=4, padding=3
    )

    assert relative_error(tried[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1]) < 1e-12
    assert relative_error(tried, expected) > 0.1
