# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where the pixels of the camera lie among the cells of an output."""

import numpy as np
import pytest
from sampling_reference import upsample
from segformer_ros.inference.preprocess import fit, Geometry
from segformer_ros.inference.upsample import crop, sampling

SIZES = [(256, 512), (288, 512), (320, 512)]
IMAGES = [
    (800, 1280), (540, 960), (480, 640), (427, 1001), (63, 131), (3, 5), (1, 1), (1, 200),
    (200, 1), (75, 150), (73, 119), (64, 128), (72, 128), (300, 401), (256, 512),
]  # fmt: skip


def _sample(cells, where):
    """Sample by the tables, in float64."""
    left, right = where.left.astype(int), where.right.astype(int)
    rows = cells[:, left] + where.across * (cells[:, right] - cells[:, left])
    upper = np.empty(where.down.size, int)
    for start, stop, cell in where.bands:
        upper[start:stop] = cell
    lower = np.minimum(upper + 1, where.rows - 1)
    return rows[upper] + where.down[:, np.newaxis] * (rows[lower] - rows[upper])


@pytest.mark.parametrize('stride', [1, 2, 4, 8])
@pytest.mark.parametrize('image_hw', IMAGES)
def test_the_samples_lie_at_the_centres_of_the_pixels(image_hw, stride):
    """Resize, padding and stride are undone, also inside a cut-off cell."""
    geometry = fit(image_hw, SIZES)
    shape = (geometry.input_h // stride, geometry.input_w // stride)
    grid = np.random.default_rng(0).normal(0.0, 1.0, shape).astype(np.float32)
    where = sampling(geometry, stride)

    value = _sample(crop(grid, where).astype(np.float64), where)

    assert value.shape == image_hw
    np.testing.assert_allclose(value, upsample(grid, geometry, stride), atol=1e-6)


@pytest.mark.parametrize('stride', [1, 4, 32])
@pytest.mark.parametrize('image_hw', [*IMAGES, (2160, 3840), (60, 33)])
def test_bands_and_edges_hold_every_pixel_once(image_hw, stride):
    """They follow each other without a gap, and say which cell their pixels lie behind."""
    where = sampling(fit(image_hw, SIZES), stride)

    starts, stops = where.bands[:, 0], where.bands[:, 1]
    assert (starts[0], stops[-1]) == (0, image_hw[0])
    assert (starts[1:] == stops[:-1]).all()
    assert (starts < stops).all()
    pixels = np.diff(where.edges)
    assert where.edges[0] == 0
    np.testing.assert_array_equal(np.repeat(np.arange(where.columns), pixels), where.left)


def test_padding_does_not_leak_into_the_image():
    """Cells that see only padding have no influence on any pixel."""
    where = sampling(fit((300, 400), [(64, 128)]), 4)
    grid = np.zeros((3, 16, 32), np.float32)
    grid[..., where.columns :] = 1e6

    cells = crop(grid, where)

    assert cells.shape == (3, where.rows, where.columns)
    assert where.columns < 32
    assert not cells.any()


def test_the_tables_are_made_once_and_cannot_be_changed():
    """Equal geometries share them, so nobody may write into them."""
    where = sampling(Geometry(20, 30, 64, 128, 64, 96), 4)
    assert sampling(Geometry(20, 30, 64, 128, 64, 96), 4) is where
    with pytest.raises(ValueError, match='read-only'):
        where.across[0] = 1.0
