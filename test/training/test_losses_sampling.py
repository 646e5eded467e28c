# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which pixels the losses look at, and what the network says there."""

import math

import pytest

torch = pytest.importorskip('torch', reason='training needs torch')

from segformer_ros.training.losses.sampling import (  # noqa: E402
    cell_stride,
    draw_grid,
    Grid,
    pick,
    resample,
)
from torch.nn import functional  # noqa: E402


@pytest.mark.parametrize(('height', 'width'), [(16, 24), (13, 10)])
@pytest.mark.parametrize('grid', [Grid(), Grid(2, 1, 0), Grid(3, 2, 1)])
def test_drawn_pixels_get_the_values_of_the_whole_upsampled_map(height, width, grid):
    """Only sooner: what is not looked at is not computed."""
    x = torch.randn(2, 3, math.ceil(height / 4), math.ceil(width / 4))
    whole = functional.interpolate(x, size=(height, width), mode='bilinear')

    found = resample(x, (height, width), grid)

    expected = whole[:, :, grid.top :: grid.stride, grid.left :: grid.stride]
    assert torch.allclose(found, expected, atol=1e-5)


def test_every_grid_is_drawn():
    """Four grids of stride 2."""
    generator = torch.Generator().manual_seed(0)

    grids = {(grid.top, grid.left) for grid in (draw_grid(2, generator) for _ in range(50))}

    assert grids == {(0, 0), (0, 1), (1, 0), (1, 1)}


@pytest.mark.parametrize('size', [(96, 128), (370, 1242), (5, 9), (33, 64)])
@pytest.mark.parametrize('stride', [1, 2, 4])
def test_depth_cells_of_any_image_have_a_pixel(size, stride):
    """Also where height or width is no multiple of the stride of the depth head."""
    cells = tuple(math.ceil(side / stride) for side in size)

    picked = pick(torch.ones(1, *size), Grid(cell_stride(size, cells)), cells)

    assert picked.shape == (1, *cells)
    assert picked.isfinite().all()


def test_cells_that_end_before_their_pixel_are_unknown():
    """Five rows in cells of four: the second cell has its first row only."""
    picked = pick(torch.ones(1, 5, 4), Grid(4, 1, 0), (2, 1))

    assert picked[0, 0].tolist() == [1.0]
    assert picked[0, 1].isnan().all()


def test_map_of_another_shape_than_the_image_is_refused():
    """A map of half the height and all of the width is none of the network's."""
    with pytest.raises(ValueError, match='16x16 pixels divided by one stride, got 8x16'):
        cell_stride((16, 16), (8, 16))
