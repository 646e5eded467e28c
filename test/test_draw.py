# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures for people."""

import importlib.util

import cv2
import numpy as np
import pytest
from segformer_ros import draw
from segformer_ros.labels import CARLA_0914

PALETTE = CARLA_0914.palette()


def test_labels_have_the_colours_of_the_palette():
    """Unknown ids are black."""
    labels = np.random.default_rng(0).integers(0, 256, (20, 30), np.uint8)
    colors = draw.colorize(labels, PALETTE)
    np.testing.assert_array_equal(colors, PALETTE[labels])
    assert not colors[labels == 255].any()


@pytest.mark.parametrize(('opacity', 'expected'), [(0.0, 100), (0.25, 75), (1.0, 0)])
def test_the_overlay_mixes_image_and_colours(opacity, expected):
    """Nought is the image, one the colours."""
    image, labels = np.full((4, 6, 3), 100, np.uint8), np.zeros((4, 6), np.uint8)
    assert (draw.overlay(image, labels, PALETTE, opacity) == expected).all()


def test_an_overlay_needs_one_size_and_a_share():
    """Nothing is resized silently."""
    image = np.zeros((4, 6, 3), np.uint8)
    with pytest.raises(ValueError, match='expected labels of size'):
        draw.overlay(image, np.zeros((6, 4), np.uint8), PALETTE)
    with pytest.raises(ValueError, match='opacity'):
        draw.overlay(image, np.zeros((4, 6), np.uint8), PALETTE, 1.5)


def test_near_is_warm_and_far_is_cold():
    """Red falls and blue rises with the distance; all beyond the scale has its end's colour."""
    depth = np.array([[0.2, 1.0, 2.0, 30.0, 80.0, 900.0, 3e38]], np.float32)
    colors = draw.colorize_depth(depth)[0].astype(int)
    assert colors[0].tolist() == colors[1].tolist()
    assert colors[2][0] > 2 * colors[2][2]
    assert colors[3][2] > 2 * colors[3][0]
    assert colors[4].tolist() == colors[5].tolist() == colors[6].tolist()
    assert len({tuple(color) for color in colors}) == 4


def test_unknown_depth_and_sky_are_grey_and_no_depth_is():
    """NaN, zero, below and infinite; the far end cannot be taken for it, nor any other."""
    depth = np.array([[np.nan, 0.0, -1.0, -np.inf, np.inf, 1.0, 80.0]], np.float32)
    colors = draw.colorize_depth(depth)[0]
    assert (colors[:5] == 128).all()
    known = draw.depth_palette()[1:].astype(int)
    assert np.abs(known - 128).sum(axis=1).min() > 100
    assert np.abs(known[0] - 128).sum() > 200
    with pytest.raises(ValueError, match='max_m'):
        draw.colorize_depth(depth, max_m=1.0)


def test_colours_of_depth_are_the_same_where_a_vector_is_a_row(monkeypatch):
    """OpenCV 5 takes an array of one dimension for a row, OpenCV 4 for a column."""
    paint = cv2.applyColorMap
    monkeypatch.setattr(
        cv2, 'applyColorMap', lambda levels, kind: paint(np.atleast_2d(levels), kind)
    )
    spec = importlib.util.spec_from_file_location('drawn_again', draw.__file__)
    again = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(again)

    assert again.depth_palette().shape == (256, 3)
    np.testing.assert_array_equal(again.depth_palette(), draw.depth_palette())


def test_the_scale_is_logarithmic():
    """Turbo at 1 - log d / log max, in 255 steps."""
    depth = np.random.default_rng(0).uniform(0.5, 120.0, (64, 80)).astype(np.float32)
    place = 1.0 - np.log(np.clip(depth.astype(np.float64), 1.0, 80.0)) / np.log(80.0)
    levels = draw.depth_levels(depth)
    np.testing.assert_allclose(levels, 1.0 + 254.0 * place, atol=0.51)
    np.testing.assert_array_equal(draw.colorize_depth(depth), draw.depth_palette()[levels])


@pytest.mark.parametrize('max_m', [10.0, 80.0, 655.0])
def test_a_level_tells_its_metres(max_m):
    """Half a step is less than 1.3 % up to 655 metres."""
    depth = np.geomspace(1.0, max_m, 64, dtype=np.float32)[np.newaxis]
    told = [draw.level_m(int(level), max_m) for level in draw.depth_levels(depth, max_m)[0]]
    np.testing.assert_allclose(told, depth[0], rtol=0.0135)


def test_panels_lie_side_by_side():
    """Three panels, or fewer where something is not known; no input is written on."""
    image, labels = np.full((60, 90, 3), 200, np.uint8), np.ones((60, 90), np.uint8)
    depth = np.full((60, 90), 5.0, np.float32)
    assert draw.side_by_side(image, labels, depth, CARLA_0914.classes).shape == (60, 270, 3)
    assert draw.side_by_side(image, None, depth, CARLA_0914.classes).shape == (60, 180, 3)
    assert draw.side_by_side(image, None, None, CARLA_0914.classes).shape == (60, 90, 3)
    assert (image == 200).all()


def test_a_picture_of_a_few_pixels_can_be_captioned():
    """The caption is cut off, not an error."""
    for shape in ((1, 1, 3), (3, 200, 3)):
        assert draw.caption(np.zeros(shape, np.uint8), 'camera').shape == shape


def test_a_contact_sheet_holds_every_image():
    """Three in rows of two, the smaller one centred in its cell."""
    images = [np.full((10, 20, 3), value, np.uint8) for value in (50, 100, 150)]
    images[1] = images[1][:6, :10]
    sheet = draw.contact_sheet(images, 2)
    assert sheet.shape == (2 * 14 + 4, 2 * 24 + 4, 3)
    assert [np.count_nonzero(sheet[..., 0] == value) for value in (50, 100, 150)] == [200, 60, 200]
    assert draw.contact_sheet(images[:1], 5).shape == (18, 28, 3)
    for wrong in (([], 2), (images, 0)):
        with pytest.raises(ValueError, match='expected images and columns'):
            draw.contact_sheet(*wrong)


@pytest.mark.parametrize('shape', [(256, 1), (256,)])
def test_the_legend_names_the_classes_that_occur(monkeypatch, shape):
    """
    Each in its colour below the picture; what fills next to nothing is left out.

    With the histograms of OpenCV 4 and of OpenCV 5, which are of different shapes.
    """
    count = cv2.calcHist
    monkeypatch.setattr(cv2, 'calcHist', lambda *values: count(*values).reshape(shape))
    labels = np.full((180, 320), 1, np.uint8)
    labels[:60] = 11
    labels[100:140, 50:90] = 14
    labels[0, 0] = 24
    picture = np.full((180, 320, 3), 77, np.uint8)
    draw.put_legend(picture, labels, CARLA_0914.classes)
    shown = {tuple(color) for color in picture.reshape(-1, 3).tolist()}
    by_id = {item.id: item.color for item in CARLA_0914.classes}
    assert {by_id[1], by_id[11], by_id[14]} <= shown
    assert by_id[24] not in shown
    assert (picture[:90] == 77).all()


def test_the_legend_names_pixels_without_a_label():
    """They are black, as class 'unlabelled'; where all have a label there is no such entry."""
    labels = np.full((180, 320), 1, np.uint8)
    pictures = [np.full((180, 320, 3), 77, np.uint8) for _ in range(2)]
    draw.put_legend(pictures[0], labels, CARLA_0914.classes)
    labels[:90] = 255
    draw.put_legend(pictures[1], labels, CARLA_0914.classes)
    black = [(picture == 0).all(axis=-1).sum() for picture in pictures]
    assert black[0] == 0
    assert black[1] > 50


def test_many_classes_leave_half_of_the_picture():
    """Those that have no room are left out."""
    labels = np.resize(np.arange(29, dtype=np.uint8), (180, 320))
    picture = np.full((180, 320, 3), 77, np.uint8)
    draw.put_legend(picture, labels, CARLA_0914.classes * 3)
    assert (picture[:88] == 77).all()


def test_the_scale_of_depth_has_every_colour_from_near_to_far():
    """From red on the left to dark blue, and grey for unknown."""
    picture = np.full((200, 400, 3), 250, np.uint8)
    draw.put_depth_scale(picture)
    palette = draw.depth_palette().tolist()
    row = picture[180].tolist()
    parts = (palette[245:], palette[120:135], palette[1:10], palette[:1])
    places = [next(x for x, color in enumerate(row) if color in part) for part in parts]
    assert places == sorted(places)
    assert (picture[:150] == 250).all()


def test_the_first_number_of_the_scale_is_centred_below_its_mark():
    """Else the mark hides the 1: it read as | m."""
    picture = np.zeros((200, 400, 3), np.uint8)
    draw.put_depth_scale(picture)
    mark = int(np.flatnonzero((picture[178] > 200).all(axis=-1))[0])
    ink = np.flatnonzero(picture[-11:-4, :40].max(axis=(0, 2)) > 60)
    assert abs((ink[0] + ink[-1]) / 2 - mark) <= 2


def test_a_picture_too_small_for_words_has_none():
    """It stays as it is."""
    picture = np.full((60, 90, 3), 77, np.uint8)
    draw.put_legend(picture, np.ones((60, 90), np.uint8), CARLA_0914.classes)
    draw.put_depth_scale(picture)
    assert (picture == 77).all()
