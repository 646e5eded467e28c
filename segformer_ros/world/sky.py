# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where the light comes from: sky, sun, street lamps, headlights."""

from __future__ import annotations

import numpy as np
from segformer_ros.world.compiled import Array, compiled, Number, Numbers
from segformer_ros.world.light import (
    CLOUD_COLOR,
    CLOUD_SIZE,
    CLOUD_X,
    CLOUDS,
    HORIZON,
    SHADOWS,
    SUN,
    SUN_COLOR,
    ZENITH,
)
from segformer_ros.world.texture import noise


@compiled
def sky_color(
    x: Number, y: Number, z: Number, light: Array, noises: Array, detailed: Number
) -> Numbers:
    """Find the colour of the sky in a direction of length 1."""
    up = max(z, 0.0)
    k = 1.0 - np.exp(-3.2 * up)
    r = light[HORIZON] + (light[ZENITH] - light[HORIZON]) * k
    g = light[HORIZON + 1] + (light[ZENITH + 1] - light[HORIZON + 1]) * k
    b = light[HORIZON + 2] + (light[ZENITH + 2] - light[HORIZON + 2]) * k
    if not detailed:
        return r, g, b
    q = light[CLOUD_SIZE] / (up + 0.14)
    c = noise(noises, 0, x * q + light[CLOUD_X], y * q)
    c = 0.7 * c + 0.3 * noise(noises, 0, x * q * 3.1 + 50.0, y * q * 3.1 + light[CLOUD_X])
    c = min(max((c - 0.5 + 0.5 * light[CLOUDS]) * 3.5, 0.0), 0.95)
    r += (light[CLOUD_COLOR] - r) * c
    g += (light[CLOUD_COLOR + 1] - g) * c
    b += (light[CLOUD_COLOR + 2] - b) * c
    s = x * light[SUN] + y * light[SUN + 1] + z * light[SUN + 2]
    if s > 0.0 and light[SHADOWS] > 0.0:
        glare = 0.35 * s**24 + (2.5 * s**900 if s > 0.98 else 0.0)
        r += glare * light[SUN_COLOR] * 0.5
        g += glare * light[SUN_COLOR + 1] * 0.5
        b += glare * light[SUN_COLOR + 2] * 0.5
    return r, g, b


@compiled
def sunlit(x: Number, y: Number, z: Number, light: Array, grid: Array, heights: Array) -> Number:
    """Return the share of the sun that reaches a point."""
    k = (z - grid[2]) / light[SUN + 2]
    u = (x - k * light[SUN] - grid[0]) / grid[3] - 0.5
    v = (y - k * light[SUN + 1] - grid[1]) / grid[3] - 0.5
    i, j = int(np.floor(u)), int(np.floor(v))
    if i < 0 or j < 0 or i >= heights.shape[1] - 1 or j >= heights.shape[0] - 1:
        return 1.0
    fu, fv = u - i, v - j
    a = 1.0 if heights[j, i] < z + 0.2 else 0.0
    b = 1.0 if heights[j, i + 1] < z + 0.2 else 0.0
    c = 1.0 if heights[j + 1, i] < z + 0.2 else 0.0
    d = 1.0 if heights[j + 1, i + 1] < z + 0.2 else 0.0
    low = a + (b - a) * fu
    return low + (c + (d - c) * fu - low) * fv


@compiled
def lamps(
    x: Number,
    y: Number,
    z: Number,
    nx: Number,
    ny: Number,
    nz: Number,
    places: Array,
    strength: Number,
) -> Number:
    """Return the light of street lamps at a point, without their colour."""
    total = 0.0
    for k in range(places.shape[0]):
        dx, dy, dz = places[k, 0] - x, places[k, 1] - y, places[k, 2] - z
        square = dx * dx + dy * dy + dz * dz + 0.5
        if square < 900.0 and dz > 0.0:
            length = np.sqrt(square)
            facing = max((nx * dx + ny * dy + nz * dz) / length, 0.0)
            total += (0.2 + facing) * (dz / length) / square
    return 34.0 * strength * total


@compiled
def headlights(
    x: Number,
    y: Number,
    z: Number,
    nx: Number,
    ny: Number,
    nz: Number,
    camera: Array,
    drop: Number,
    strength: Number,
) -> Number:
    """Return the light of the ego vehicle's own headlights at a point."""
    dx, dy, dz = x - camera[0, 0], y - camera[0, 1], z - camera[0, 2] + drop
    length = np.sqrt(dx * dx + dy * dy + dz * dz) + 0.1
    ahead = (dx * camera[4, 0] + dy * camera[4, 1] + dz * camera[4, 2]) / length
    if ahead < 0.8:
        return 0.0
    facing = 0.3 + 1.4 * abs(nx * dx + ny * dy + nz * dz) / length
    beam = min((ahead - 0.8) / 0.14, 1.0) * np.exp(-length / 20.0)
    return strength * 1.7 * beam * min(max(1.15 - 9.0 * dz / length, 0.05), 1.0) * min(facing, 1.0)
