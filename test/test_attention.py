# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of attention."""

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='attention comes from a checkpoint')

from segformer_ros import attention  # noqa: E402
from segformer_ros.attention import AttentionPainter  # noqa: E402
from segformer_ros.network.mix_transformer import make_encoder  # noqa: E402

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
BAR, GAP, TITLE, WIDTH = 24, 4, 34, 384


@pytest.fixture(scope='module')
def encoder():
    """Return a B0 encoder with random weights."""
    torch.manual_seed(0)
    return make_encoder('b0').eval()


def painter(encoder, **options):
    """Return a painter with the normalisation of ImageNet."""
    return AttentionPainter(encoder, mean=MEAN, std=STD, **options)


def panels(sheet, height):
    """Cut a sheet into its twenty pictures, without their titles."""
    found = []
    for row in range(4):
        top = TITLE + GAP + row * (BAR + height + GAP) + BAR
        for column in range(5):
            left = GAP + column * (WIDTH + GAP)
            found.append(sheet[top : top + height, left : left + WIDTH].astype(int))
    return found


def show(monkeypatch, shares):
    """Let every head of the encoder attend as given."""
    maps = [torch.from_numpy(shares).expand(heads, -1, -1) for heads in (1, 2, 5, 8)]
    seen = []

    def looked(encoder, image, x, y):
        seen.append((tuple(image.shape), x, y))
        return maps

    monkeypatch.setattr(attention, 'attention_maps', looked)
    return seen


def test_a_sheet_has_the_image_every_head_and_the_means(encoder):
    """Twenty panels in five columns, as wide as each other."""
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)

    sheet = painter(encoder, name='tiny').draw(image)

    assert sheet.dtype == np.uint8
    assert sheet.shape == (TITLE + GAP + 4 * (BAR + 256 + GAP), GAP + 5 * (WIDTH + GAP), 3)
    camera, *heads = panels(sheet, 256)
    enlarged = np.repeat(np.repeat(image, 4, axis=0), 4, axis=1).astype(int)
    assert np.abs(camera - enlarged).mean() < 40
    assert all(np.abs(camera - head).mean() > 20 for head in heads)


@pytest.mark.parametrize('image_hw', [(300, 20), (9, 500), (1, 1)])
def test_a_picture_of_any_shape_has_panels_of_one_width(encoder, image_hw):
    """A tall one is as high as a panel may be, not as wide."""
    sheet = painter(encoder).draw(np.full((*image_hw, 3), 200, np.uint8))

    height = min(768, round(image_hw[0] * WIDTH / image_hw[1]))
    assert sheet.shape == (TITLE + GAP + 4 * (BAR + height + GAP), GAP + 5 * (WIDTH + GAP), 3)


def test_bright_is_where_the_attention_is(encoder, monkeypatch):
    """The one key that is attended to shines at its place in every panel, and nothing else."""
    shares = np.zeros((2, 3), np.float32)
    shares[1, 2] = 1.0
    show(monkeypatch, shares)

    sheet = painter(encoder).draw(np.full((64, 96, 3), 100, np.uint8), (4, 4))

    for panel in panels(sheet, 256)[1:]:
        brightness = panel.sum(axis=2)
        assert brightness[128 + 44 : 256 - 44, 256 + 44 : 384 - 44].min() > 350
        assert brightness[40:, :200].max() < 250


def test_padding_is_not_shown(encoder, monkeypatch):
    """Of an image of 40 x 70 pixels in an input of 64 x 96, no panel shows the rest."""
    shares = np.full((2, 3), 1e-3, np.float32)
    shares[0, 0] = 0.01
    shares[:, 2] = 0.5
    seen = show(monkeypatch, shares)

    sheet = painter(encoder).draw(np.full((40, 70, 3), 100, np.uint8), (69, 39))

    assert seen == [((1, 3, 64, 96), 69.5, 39.5)]
    height = round(40 * WIDTH / 70)
    for panel in panels(sheet, height)[1:]:
        # Only the right end belongs to the third column of keys: pixels 64 to 70 of 70.
        assert panel[:, : WIDTH // 2].sum(axis=2).max() < 300
        assert panel[: height // 2, -20:].sum(axis=2).min() > 300


@pytest.mark.parametrize(
    ('image_hw', 'expected'),
    [((64, 96), (64, 96)), ((40, 70), (64, 96)), ((800, 1280), (640, 1024)), ((1, 1), (32, 32))],
)
def test_the_input_is_as_large_as_the_image_up_to_a_limit(image_hw, expected):
    """The longer side has at most 1024 pixels, padded to multiples of 32."""
    geometry = attention.own_size(image_hw)

    assert (geometry.input_h, geometry.input_w) == expected
    assert (geometry.image_h, geometry.image_w) == image_hw


def test_the_input_can_be_chosen(encoder, monkeypatch):
    """The image is fitted into it, and the pixel follows."""
    seen = show(monkeypatch, np.ones((1, 2), np.float32))

    painter(encoder, size=(32, 64)).draw(np.zeros((64, 64, 3), np.uint8), (40, 10))

    assert seen == [((1, 3, 32, 64), 20.25, 5.25)]


def test_wrong_arguments_are_refused(encoder):
    """A pixel beside the image, or an input that the stages cannot divide."""
    with pytest.raises(ValueError, match='the pixel 96,0 lies outside the image of 96x64'):
        painter(encoder).draw(np.zeros((64, 96, 3), np.uint8), (96, 0))
    with pytest.raises(ValueError, match='must be multiples of 32, not 32x50'):
        painter(encoder, size=(32, 50))
