# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rays against single shapes, where the answer is known."""

import numpy as np
import pytest
from segformer_ros.world import primitives as p
from segformer_ros.world.caster import bounds, cast, SKY_ID
from segformer_ros.world.shadows import shadow_map
from segformer_ros.world.shapes import invert
from segformer_ros.world.texture import tiles

# A camera at the origin that looks along x: position, right, down, forward.
CAMERA = np.array([[0.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]])
FX, SIZE = 64.0, 64


def _cast(parts):
    rows = parts.rows()
    inverse = invert(rows)
    box = bounds(rows, CAMERA, FX, SIZE, SIZE)
    order = np.flatnonzero(box[:, 1] > box[:, 0])
    depth, owner = np.empty((SIZE, SIZE), np.float32), np.empty((SIZE, SIZE), np.int32)
    cast(rows, inverse, order, box, CAMERA, FX, tiles(), depth, owner)
    return depth, owner


@pytest.mark.parametrize(
    ('kind', 'nearest'),
    [
        (p.BOX, 9.0),
        (p.TAPER, 9.0),
        (p.ELLIPSOID, 9.0),
        (p.POST, 9.0),
        (p.AXLE, 9.0),
        (p.DISC, 9.0),
    ],
)
def test_the_middle_of_every_shape_is_at_its_nearest_point(kind, nearest):
    """Each shape reaches from -1 to 1 along x and is ten metres away."""
    parts = p.Parts()
    parts.add(kind, (10.0, 0.0, 0.0), (1.0, 2.0, 2.0), 14, (1.0, 1.0, 1.0))
    depth, owner = _cast(parts)
    assert owner[SIZE // 2, SIZE // 2] == 0
    assert depth[SIZE // 2, SIZE // 2] == pytest.approx(nearest, abs=0.02)
    assert owner[0, 0] == SKY_ID


def test_a_box_covers_the_pixels_of_its_face():
    """Two metres at nine metres are 2 / 9 of the focal length to each side."""
    parts = p.Parts()
    parts.add(p.BOX, (10.0, 0.0, 0.0), (1.0, 2.0, 1.0), 14, (1.0, 1.0, 1.0))
    depth, owner = _cast(parts)
    rows, columns = np.nonzero(owner == 0)
    assert columns.max() - columns.min() + 1 == pytest.approx(2 * 2.0 / 9.0 * FX, abs=1.0)
    assert rows.max() - rows.min() + 1 == pytest.approx(2 * 1.0 / 9.0 * FX, abs=1.0)
    assert np.allclose(depth[owner == 0], 9.0)


def test_the_nearer_shape_wins_in_any_order():
    """The order of the primitives is for speed alone."""
    for places in ((10.0, 20.0), (20.0, 10.0)):
        parts = p.Parts()
        for x in places:
            parts.add(p.BOX, (x, 0.0, 0.0), (1.0, 1.0, 1.0), 14, (1.0, 1.0, 1.0))
        _, owner = _cast(parts)
        assert owner[SIZE // 2, SIZE // 2] == places.index(10.0)


def test_what_is_behind_the_camera_is_not_drawn():
    """Not even when it reaches past the camera at its side."""
    parts = p.Parts()
    parts.add(p.BOX, (-10.0, 0.0, 0.0), (1.0, 1.0, 1.0), 14, (1.0, 1.0, 1.0))
    assert np.all(_cast(parts)[1] == SKY_ID)


def test_a_wall_next_to_the_camera_is_clipped_at_the_near_plane():
    """It begins behind the camera and fills its side of the picture."""
    parts = p.Parts()
    parts.add(p.BOX, (10.0, 2.0, 0.0), (20.0, 0.5, 5.0), 4, (1.0, 1.0, 1.0))
    depth, owner = _cast(parts)
    assert np.all(owner[SIZE // 2, :8] == 0)
    assert owner[SIZE // 2, SIZE // 2 + 2] == SKY_ID
    column = 8
    ray = (SIZE / 2 - column - 0.5) / FX
    assert depth[SIZE // 2, column] == pytest.approx(1.5 / ray, rel=1e-4)


def test_placing_turns_and_tilts():
    """A template is turned about z, leant along its x and moved."""
    parts = p.Parts()
    parts.add(p.BOX, (2.0, 0.0, 1.0), (1.0, 0.5, 0.25), 14, (1.0, 1.0, 1.0))
    poses = np.array([[5.0, 6.0, 7.0, np.pi / 2, 0.1]])
    row = p.place(parts.rows(), np.array([0]), np.array([1]), poses)[0]
    np.testing.assert_allclose(row[p.CENTER : p.CENTER + 3], [5.0, 8.0, 8.2], atol=1e-6)
    axes = row[p.AXES : p.AXES + 9].reshape(3, 3)
    np.testing.assert_allclose(axes[:, 0], [0.0, 1.0, 0.1], atol=1e-6)
    np.testing.assert_allclose(axes[:, 1], [-0.5, 0.0, 0.0], atol=1e-6)


def test_a_shadow_falls_away_from_the_sun():
    """The sun stands at 45 degrees over -x, so the shadow of a box goes to +x."""
    parts = p.Parts()
    parts.add(p.BOX, (0.0, 0.0, 1.0), (0.5, 0.5, 1.0), 14, (1.0, 1.0, 1.0))
    rows = parts.rows()
    heights = np.empty((40, 40), np.float32)
    sun = np.array([-1.0, 0.0, 1.0]) / np.sqrt(2.0)
    shadow_map(rows, invert(rows), sun, np.array([-5.0, -5.0, 0.0, 0.25]), heights)
    dark = heights > 0.0
    columns = np.nonzero(dark.any(axis=0))[0] * 0.25 - 5.0
    assert columns.min() == pytest.approx(-0.5, abs=0.3)
    assert columns.max() == pytest.approx(2.5, abs=0.3)
    assert heights.max() == pytest.approx(2.0, abs=0.2)
