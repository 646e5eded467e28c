# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Small matrices interpolate as torch does, and a few of them serve every size."""

import pytest

torch = pytest.importorskip('torch', reason='the rewrites need torch')

from random_network import relative_error  # noqa: E402
from segformer_ros.network import bands  # noqa: E402
from torch.nn import functional  # noqa: E402

LIMIT = 1e-12


def interpolate(x, factor):
    """Upsample (N, C, W) with torch."""
    return functional.interpolate(x, scale_factor=factor, mode='linear', align_corners=False)


@pytest.mark.parametrize('factor', [2, 4, 8])
@pytest.mark.parametrize('size', [1, 3, 8])
def test_a_matrix_interpolates_as_torch_does(size, factor):
    """Along one axis, at both ends too."""
    x = torch.randn(1, 2, size, dtype=torch.float64)

    found = x @ bands.upsampling(size, factor).T

    assert relative_error(found, interpolate(x, factor)) < LIMIT


def test_two_doublings_are_not_one_of_four():
    """The product of two matrices is what two upsamplings give."""
    x = torch.randn(1, 2, 6, dtype=torch.float64)

    found = x @ bands.repeated_doubling(6, 2).T

    assert relative_error(found, interpolate(interpolate(x, 2), 2)) < LIMIT
    assert relative_error(found, interpolate(x, 4)) > 1e-3


def test_taps_see_neighbours_and_zeros_outside():
    """Tap d of output i is row i + d - 1."""
    matrix = torch.arange(1.0, 7.0).reshape(3, 2)

    taps = bands.shifted(matrix)

    assert taps[:, 0].tolist() == [[0.0, 1.0, 3.0], [1.0, 3.0, 5.0], [3.0, 5.0, 0.0]]


@pytest.mark.parametrize('size', [8, 24, 64])
def test_blocks_of_rows_are_the_matrix(size):
    """Put together they are the banded matrix; inside of the map they are all the same."""
    matrix = bands.shifted(bands.repeated_doubling(size, 2))

    blocks, matrices = bands.row_blocks(matrix, 16)

    found = torch.zeros_like(matrix)
    for index, block in enumerate(blocks):
        part = matrices[block.index].reshape(16, -1, 3)
        found[16 * index : 16 * (index + 1), block.first : block.last] = part
    assert torch.equal(found, matrix)
    assert len(matrices) <= 3


@pytest.mark.parametrize(('size', 'columns'), [(8, 8), (24, 8), (40, 4)])
def test_blocks_of_columns_interpolate(size, columns):
    """Gathered columns, times three different matrices, are the product with the whole one."""
    matrix = bands.shifted(bands.repeated_doubling(size, 1))
    column_bands = bands.ColumnBands(matrix, columns)
    x = torch.randn(2, 3, size, 5, dtype=torch.float64)
    weights = torch.randn(5, 3 * 4, dtype=torch.float64)

    products = (column_bands.gather(x) @ weights).reshape(6, -1, 4)
    found = column_bands(products, column_bands.matrices(torch.zeros(1)))

    products = (x @ weights).reshape(6, size, 3, 4)
    expected = torch.einsum('mct,hcto->hmo', matrix, products).flatten(1)
    assert relative_error(found, expected) < LIMIT
    assert len(column_bands.bands) <= 3


def test_the_first_block_that_fits_is_taken():
    """Blocks that do not divide the map are refused."""
    assert bands.largest_block(24, (16, 8, 4)) == 8
    with pytest.raises(ValueError, match='multiple of one of'):
        bands.largest_block(6, (16, 8, 4))
