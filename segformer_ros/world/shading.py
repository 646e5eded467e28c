# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Light on what the rays have met: sun, sky, shadows, lamps, gloss, wet ground, fog."""

from __future__ import annotations

import numpy as np
from segformer_ros.world.caster import GROUND_ID, SKY_ID
from segformer_ros.world.classes import SKY, TERRAIN
from segformer_ros.world.compiled import Array, compiled, inlined, Number, Numbers
from segformer_ros.world.ground import Land
from segformer_ros.world.light import (
    AMBIENT,
    FOG,
    FOG_COLOR,
    GLOW,
    HEADLIGHTS,
    LAMPS,
    SHADOWS,
    Shining,
    SKYLINE,
    SUN,
    SUN_COLOR,
    WET,
)
from segformer_ros.world.primitives import CLASS, FOLIAGE, LEAF, MATERIAL
from segformer_ros.world.sky import headlights, lamps, sky_color, sunlit
from segformer_ros.world.street import ORIGIN
from segformer_ros.world.styles import ground_look, object_look
from segformer_ros.world.texture import noise


@inlined
def _light_at(
    x: Number,
    y: Number,
    z: Number,
    nx: Number,
    ny: Number,
    nz: Number,
    sun: Number,
    open_sky: Number,
    far: Number,
    camera: Array,
    light: Array,
    places: Array,
) -> Numbers:
    """Add the light of the sun, the sky, the ground, lamps and headlights up."""
    around = open_sky * (0.6 + 0.4 * nz)
    red = light[SUN_COLOR] * sun + light[AMBIENT] * around
    green = light[SUN_COLOR + 1] * sun + light[AMBIENT + 1] * around
    blue = light[SUN_COLOR + 2] * sun + light[AMBIENT + 2] * around
    bounce = 0.07 * (1.0 - nz)
    red += bounce * light[SUN_COLOR]
    green += bounce * light[SUN_COLOR + 1]
    blue += bounce * light[SUN_COLOR + 2] * 0.9
    if light[LAMPS] > 0.0 and far < 90.0:
        k = lamps(x, y, z, nx, ny, nz, places, light[LAMPS]) * open_sky
        red, green, blue = red + k, green + 0.78 * k, blue + 0.48 * k
    if light[HEADLIGHTS] > 0.0 and far < 80.0:
        k = headlights(x, y, z, nx, ny, nz, camera, 0.8, light[HEADLIGHTS])
        red, green, blue = red + k, green + 0.95 * k, blue + 0.85 * k
    return red, green, blue


@inlined
def _skyline(x: Number, y: Number, high: Number, noises: Array) -> Number:
    """Return the height of houses and trees in a direction, as the sine of their elevation."""
    turn = np.arctan2(y, x) * 20.4
    return high * (0.3 + 1.4 * noise(noises, 0, turn * 2.0, 3.0))


@inlined
def _mirror(
    red: Number,
    green: Number,
    blue: Number,
    gloss: Number,
    shadow: Number,
    dx: Number,
    dy: Number,
    dz: Number,
    nx: Number,
    ny: Number,
    nz: Number,
    light: Array,
    noises: Array,
) -> Numbers:
    """Mix the reflection of sky and sun into the colour of a glossy surface."""
    facing = min(abs(nx * dx + ny * dy + nz * dz), 1.0)
    q = 1.0 - facing
    q2 = q * q
    k = gloss + (1.0 - gloss) * q2 * q2 * q * (0.6 if gloss > 0.04 else 0.0)
    if gloss < 0.04:
        k = 0.0
    w = 2.0 * (nx * dx + ny * dy + nz * dz)
    rx, ry, rz = dx - w * nx, dy - w * ny, dz - w * nz
    if rz > 0.0:
        sr, sg, sb = sky_color(rx, ry, rz, light, noises, gloss > 0.3)
        # Low reflections show houses and trees rather than the sky.
        q = min(max(rz * 4.0 - 0.2, 0.25), 1.0)
        if light[SKYLINE] > 0.0:
            q = 0.12 if rz < _skyline(rx, ry, light[SKYLINE], noises) else 1.0
    else:
        sr, sg, sb = light[AMBIENT], light[AMBIENT + 1], light[AMBIENT + 2]
        q = 0.25 + 0.3 * shadow
    red += k * (q * sr - red)
    green += k * (q * sg - green)
    blue += k * (q * sb - blue)
    w = rx * light[SUN] + ry * light[SUN + 1] + rz * light[SUN + 2]
    if w > 0.9 and light[SHADOWS] > 0.0 and gloss > 0.08:
        w = 1.2 * shadow * w**120
        red += w * light[SUN_COLOR]
        green += w * light[SUN_COLOR + 1]
        blue += w * light[SUN_COLOR + 2]
    return red, green, blue


@inlined
def _sun_on(
    x: Number,
    y: Number,
    z: Number,
    nx: Number,
    ny: Number,
    nz: Number,
    leaf: Number,
    ground: Number,
    open_sky: Number,
    light: Array,
    grid: Array,
    heights: Array,
    contact: Array,
) -> Numbers:
    """Return the sunlight on a point, its share in the sun, and its share of the sky."""
    shadow = 1.0
    sun = nx * light[SUN] + ny * light[SUN + 1] + nz * light[SUN + 2]
    if leaf:
        sun = 0.25 + 0.6 * max(sun, 0.0)
    sun = max(sun, 0.0)
    if sun > 0.0 and light[SHADOWS] > 0.0:
        e = 0.12
        shadow = sunlit(x + e * nx, y + e * ny, z + e * nz, light, grid, heights)
    if ground:
        i = int((x - grid[0]) / grid[3])
        j = int((y - grid[1]) / grid[3])
        if 0 <= i < contact.shape[1] and 0 <= j < contact.shape[0]:
            open_sky = contact[j, i]
            shadow *= open_sky
    return sun * shadow, shadow, open_sky


@inlined
def _wet_share(
    x: Number, y: Number, dz: Number, wet: Number, street: Array, noises: Array
) -> Number:
    """Return the reflectance of wet ground."""
    q = 1.0 - min(abs(dz), 1.0)
    q2 = q * q
    q = 0.03 + 0.97 * q2 * q2 * q
    puddle = noise(noises, 0, (x + street[ORIGIN]) * 3.0, y * 3.0)
    return min(q * wet * (0.35 + 0.9 * puddle), 0.85)


@compiled
def shade(
    rows: Array,
    inverse: Array,
    camera: Array,
    fx: Number,
    land: Land,
    shining: Shining,
    depth: Array,
    owner: Array,
    rgb: Array,
    glow: Array,
    labels: Array,
) -> None:
    """
    Compute the colour and class of every pixel.

    :param camera: (5, 3) position, right, down, forward, and where the vehicle points.
    :param rgb: (H, W, 3) is filled with linear light.
    :param glow: (H, W) is filled with the light of lamps, or minus the reflectance where the
        ground is wet; the sensor mixes those reflections in.
    """
    height, width = depth.shape
    table, first, street, noises = land
    light, places, grid, heights, contact = shining
    wet = light[WET]
    for v in range(height):
        b = (v + 0.5 - 0.5 * height) / fx
        for u in range(width):
            a = (u + 0.5 - 0.5 * width) / fx
            dx = camera[3, 0] + a * camera[1, 0] + b * camera[2, 0]
            dy = camera[3, 1] + a * camera[1, 1] + b * camera[2, 1]
            dz = camera[3, 2] + a * camera[1, 2] + b * camera[2, 2]
            stretch = np.sqrt(dx * dx + dy * dy + dz * dz)
            dx, dy, dz = dx / stretch, dy / stretch, dz / stretch
            n = owner[v, u]
            glow[v, u] = 0.0
            if n == SKY_ID:
                red, green, blue = sky_color(dx, dy, dz, light, noises, True)
                fog = 1.0 - np.exp(-light[FOG] * 90.0 / (max(dz, 0.0) + 0.05))
                labels[v, u] = SKY
                depth[v, u] = np.inf
            else:
                far = depth[v, u] * stretch
                pixel = depth[v, u] / fx
                x = camera[0, 0] + far * dx
                y = camera[0, 1] + far * dy
                z = camera[0, 2] + far * dz
                ground = n == GROUND_ID
                lit, gloss, open_sky, leaf = 0.0, 0.0, 1.0, False
                if ground:
                    label, cr, cg, cb, nx, ny, nz = ground_look(
                        x, y, z, dx, dy, dz, pixel, table, first, street, noises
                    )
                    labels[v, u] = label
                else:
                    row = rows[n]
                    cr, cg, cb, lit, gloss, nx, ny, nz, up = object_look(
                        row, inverse[n], x, y, z, pixel, light, noises
                    )
                    labels[v, u] = int(row[CLASS])
                    open_sky = 0.75 + 0.25 * up
                    leaf = int(row[MATERIAL]) == LEAF or int(row[MATERIAL]) == FOLIAGE
                k = 1.0 / np.sqrt(nx * nx + ny * ny + nz * nz + 1e-12)
                nx, ny, nz = nx * k, ny * k, nz * k
                if leaf and nx * dx + ny * dy + nz * dz > 0.0:
                    nx, ny, nz = -nx, -ny, -nz
                    if int(rows[n, MATERIAL]) == FOLIAGE:
                        # The far side of a crown, seen through its holes.
                        cr, cg, cb = 0.4 * cr, 0.4 * cg, 0.4 * cb
                sun, shadow, open_sky = _sun_on(
                    x, y, z, nx, ny, nz, leaf, ground, open_sky, light, grid, heights, contact
                )
                lr, lg, lb = _light_at(
                    x, y, z, nx, ny, nz, sun, open_sky, far, camera, light, places
                )
                if wet > 0.0 and ground:
                    k = 1.0 - 0.45 * wet
                    cr, cg, cb = cr * k, cg * k, cb * k
                red, green, blue = cr * lr, cg * lg, cb * lb
                if gloss > 0.0:
                    red, green, blue = _mirror(
                        red, green, blue, gloss, shadow, dx, dy, dz, nx, ny, nz, light, noises
                    )
                if lit > 0.0:
                    k = lit * light[GLOW]
                    red, green, blue = red + k * cr, green + k * cg, blue + k * cb
                    glow[v, u] = min(k, 3.0)
                if wet > 0.0 and ground and labels[v, u] != TERRAIN:
                    glow[v, u] = -_wet_share(x, y, dz, wet, street, noises)
                fog = 1.0 - np.exp(-light[FOG] * far)
            rgb[v, u, 0] = red + (light[FOG_COLOR] - red) * fog
            rgb[v, u, 1] = green + (light[FOG_COLOR + 1] - green) * fog
            rgb[v, u, 2] = blue + (light[FOG_COLOR + 2] - blue) * fog
