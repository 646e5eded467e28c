# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Leaves as cameras see them: ragged crowns with sky in them, light leaves before dark depths."""

from __future__ import annotations

from segformer_ros.world.compiled import Array, compiled, Number, Numbers
from segformer_ros.world.primitives import COLOR, CUT, SEED
from segformer_ros.world.texture import noise


@compiled
def _speckle(x: Number, y: Number, z: Number, noises: Array) -> Number:
    """Return noise in space, 0 to 1: two planes through it that break each other's streaks up."""
    a = noise(noises, 1, 0.77 * x + 0.62 * y + 0.21 * z, 0.83 * z - 0.45 * x + 0.36 * y)
    b = noise(noises, 1, 0.71 * z - 0.6 * y + 31.3, 0.58 * x + 0.47 * y + 0.66 * z)
    return min(max(0.5 + 0.8 * (a + b - 1.0), 0.0), 1.0)


@compiled
def grown(
    row: Array, x: Number, y: Number, z: Number, facing: Number, footprint: Number, noises: Array
) -> Number:
    """
    Return whether there are leaves at a place of a crown, in metres from its middle.

    :param facing: 1 where the surface faces the camera, 0 at the outline.
    """
    seed = row[SEED]
    value = 0.5 * _speckle(x * 1.1 + seed, y * 1.1, z * 1.1, noises)
    value += 0.5 * _speckle(x * 3.1, y * 3.1 + seed, z * 3.1, noises)
    if footprint < 0.10:
        k = min(0.4, 4.0 * (0.10 - footprint) + 0.1)
        value += k * (_speckle(x * 9.0, y * 9.0, z * 9.0 + seed, noises) - value)
    rim = 1.0 - facing
    return value > row[CUT] + 0.8 * rim * rim


@compiled
def leaves(
    row: Array, x: Number, y: Number, z: Number, up: Number, pixel: Number, noises: Array
) -> Numbers:
    """Return the look of leaves, as of materials.surface."""
    seed = row[SEED]
    k = 0.35 + 0.9 * _speckle(x * 1.7, y * 1.7 + seed, z * 1.7, noises) + 0.3 * up
    hue = 0.0
    if pixel < 0.25:
        part = min(4.0 * (0.25 - pixel), 1.0)
        leaf = _speckle(x * 8.0 + seed, y * 8.0, z * 8.0, noises)
        k *= 1.0 + part * (2.0 * leaf * leaf - 0.75)
        hue = part * (leaf - 0.5)
    if pixel < 0.03:
        k *= 0.5 + _speckle(x * 27.0, y * 27.0, z * 27.0 + seed, noises)
    k = max(k, 0.08)
    return row[COLOR] * k * (1.0 + 0.3 * hue), row[COLOR + 1] * k, row[COLOR + 2] * k, 0.0, 0.0
