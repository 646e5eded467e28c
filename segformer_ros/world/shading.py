# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Light on what the rays have met: sun, sky, shadows, lamps, gloss, wet ground, fog."""

from __future__ import annotations

import numpy as np
from segformer_ros.world.caster import GROUND_ID, normal
from segformer_ros.world.classes import SKY, TERRAIN
from segformer_ros.world.compiled import Array, compiled, Number, Numbers
from segformer_ros.world.ground import clearance, ground_color
from segformer_ros.world.light import (
    AMBIENT,
    CLOCK,
    CLOUD_COLOR,
    CLOUD_SIZE,
    CLOUD_X,
    CLOUDS,
    FOG,
    FOG_COLOR,
    GLOW,
    HEADLIGHTS,
    HORIZON,
    LAMPS,
    SHADOWS,
    SUN,
    SUN_COLOR,
    WET,
    ZENITH,
)
from segformer_ros.world.materials import surface
from segformer_ros.world.primitives import CENTER, CLASS, KIND, LEAF, LEAN, MATERIAL
from segformer_ros.world.street import EDGE_LEFT, EDGE_RIGHT, ORIGIN, road_place
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
def _sunlit(x: Number, y: Number, z: Number, light: Array, grid: Array, heights: Array) -> Number:
    """Give the share of the sun that reaches a point."""
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
def _lamps(
    x: Number,
    y: Number,
    z: Number,
    nx: Number,
    ny: Number,
    nz: Number,
    lamps: Array,
    strength: Number,
) -> Number:
    """Give the light of street lamps at a point, without their colour."""
    total = 0.0
    for k in range(lamps.shape[0]):
        dx, dy, dz = lamps[k, 0] - x, lamps[k, 1] - y, lamps[k, 2] - z
        square = dx * dx + dy * dy + dz * dz + 0.5
        if square < 900.0 and dz > 0.0:
            length = np.sqrt(square)
            facing = max((nx * dx + ny * dy + nz * dz) / length, 0.0)
            total += (0.2 + facing) * (dz / length) / square
    return 34.0 * strength * total


@compiled
def _headlights(
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
    """Give the light of the ego vehicle's own headlights at a point."""
    dx, dy, dz = x - camera[0, 0], y - camera[0, 1], z - camera[0, 2] + drop
    length = np.sqrt(dx * dx + dy * dy + dz * dz) + 0.1
    ahead = (dx * camera[4, 0] + dy * camera[4, 1] + dz * camera[4, 2]) / length
    if ahead < 0.8:
        return 0.0
    facing = 0.3 + 1.4 * abs(nx * dx + ny * dy + nz * dz) / length
    beam = min((ahead - 0.8) / 0.14, 1.0) * np.exp(-length / 20.0)
    return strength * 1.7 * beam * min(max(1.15 - 9.0 * dz / length, 0.05), 1.0) * min(facing, 1.0)


@compiled
def shade(
    rows: Array,
    inverse: Array,
    camera: Array,
    fx: Number,
    table: Array,
    first: Number,
    street: Array,
    light: Array,
    lamps: Array,
    grid: Array,
    heights: Array,
    contact: Array,
    noises: Array,
    depth: Array,
    owner: Array,
    rgb: Array,
    glow: Array,
    labels: Array,
) -> None:
    """
    Give every pixel its colour and its class.

    :param camera: (5, 3) position, right, down, forward, and where the vehicle points.
    :param grid: x, y, z and cell size of the shadow map.
    :param heights: Shadow map; contact: share of the sky that vehicles leave to the ground.
    :param rgb: (H, W, 3) is filled with linear light; glow: (H, W) with the light of lamps.
    """
    height, width = depth.shape
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
            if n == -1:
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
                lit, gloss = 0.0, 0.0
                shadow, open_sky = 1.0, 1.0
                near_ground = False
                if n == GROUND_ID:
                    t, _ = road_place(x, y, table, first)
                    grazing = max(abs(dz), 0.01)
                    long = max(pixel / grazing, pixel)
                    e = 0.05 + pixel
                    nx, ny, nz = 0.0, 0.0, 1.0
                    if t < 0.1 - street[EDGE_RIGHT] or t > street[EDGE_LEFT] - 0.1:
                        base = clearance(x, y, z, table, first, street, noises)
                        nx = clearance(x + e, y, z, table, first, street, noises) - base
                        ny = clearance(x, y + e, z, table, first, street, noises) - base
                        nx, ny = nx / e, ny / e
                    # A street seen along x: pixels are long in x; turned by the view elsewhere.
                    turn = abs(dx) / (abs(dx) + abs(dy) + 1e-6)
                    label, cr, cg, cb = ground_color(
                        x,
                        t,
                        street,
                        noises,
                        pixel + (long - pixel) * (1.0 - turn) * (1.0 - turn),
                        pixel + (long - pixel) * turn,
                    )
                    labels[v, u] = label
                    near_ground = True
                else:
                    row = rows[n]
                    m = inverse[n]
                    qx, qy, qz = x - row[CENTER], y - row[CENTER + 1], z - row[CENTER + 2]
                    px = m[0] * qx + m[1] * qy + m[2] * qz
                    py = m[3] * qx + m[4] * qy + m[5] * qz
                    pz = m[6] * qx + m[7] * qy + m[8] * qz
                    lx, ly, lz = normal(
                        int(row[KIND]), px, py, pz, row[LEAN], row[LEAN + 1], row[LEAN + 2]
                    )
                    nx = m[0] * lx + m[3] * ly + m[6] * lz
                    ny = m[1] * lx + m[4] * ly + m[7] * lz
                    nz = m[2] * lx + m[5] * ly + m[8] * lz
                    cr, cg, cb, lit, gloss = surface(
                        row, px, py, pz, lx, ly, lz, pixel, light[LAMPS], light[CLOCK], noises
                    )
                    labels[v, u] = int(row[CLASS])
                    open_sky = 0.75 + 0.25 * pz
                k = 1.0 / np.sqrt(nx * nx + ny * ny + nz * nz + 1e-12)
                nx, ny, nz = nx * k, ny * k, nz * k
                leaf = n >= 0 and int(rows[n, MATERIAL]) == LEAF
                if n >= 0 and nx * dx + ny * dy + nz * dz > 0.0 and leaf:
                    nx, ny, nz = -nx, -ny, -nz
                sun = nx * light[SUN] + ny * light[SUN + 1] + nz * light[SUN + 2]
                if leaf:
                    sun = 0.25 + 0.6 * max(sun, 0.0)
                sun = max(sun, 0.0)
                if sun > 0.0 and light[SHADOWS] > 0.0:
                    e = 0.12
                    shadow = _sunlit(x + e * nx, y + e * ny, z + e * nz, light, grid, heights)
                if near_ground:
                    i = int((x - grid[0]) / grid[3])
                    j = int((y - grid[1]) / grid[3])
                    if 0 <= i < contact.shape[1] and 0 <= j < contact.shape[0]:
                        open_sky = contact[j, i]
                        shadow *= open_sky
                sun *= shadow
                around = open_sky * (0.6 + 0.4 * nz)
                lr = light[SUN_COLOR] * sun + light[AMBIENT] * around
                lg = light[SUN_COLOR + 1] * sun + light[AMBIENT + 1] * around
                lb = light[SUN_COLOR + 2] * sun + light[AMBIENT + 2] * around
                # Light that the sunny ground throws back up.
                bounce = 0.07 * (1.0 - nz)
                lr += bounce * light[SUN_COLOR]
                lg += bounce * light[SUN_COLOR + 1]
                lb += bounce * light[SUN_COLOR + 2] * 0.9
                if light[LAMPS] > 0.0 and far < 90.0:
                    k = _lamps(x, y, z, nx, ny, nz, lamps, light[LAMPS]) * open_sky
                    lr, lg, lb = lr + k, lg + 0.78 * k, lb + 0.48 * k
                if light[HEADLIGHTS] > 0.0 and far < 80.0:
                    k = _headlights(x, y, z, nx, ny, nz, camera, 0.8, light[HEADLIGHTS])
                    lr, lg, lb = lr + k, lg + 0.95 * k, lb + 0.85 * k
                if wet > 0.0 and near_ground:
                    k = 1.0 - 0.45 * wet
                    cr, cg, cb = cr * k, cg * k, cb * k
                red, green, blue = cr * lr, cg * lg, cb * lb
                if gloss > 0.0:
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
                if lit > 0.0:
                    k = lit * light[GLOW]
                    red, green, blue = red + k * cr, green + k * cg, blue + k * cb
                    glow[v, u] = min(k, 3.0)
                if wet > 0.0 and near_ground and labels[v, u] != TERRAIN:
                    q = 1.0 - min(abs(dz), 1.0)
                    q2 = q * q
                    q = 0.03 + 0.97 * q2 * q2 * q
                    puddle = noise(noises, 0, (x + street[ORIGIN]) * 3.0, y * 3.0)
                    # The reflection itself is mixed in by the sensor; keep its share here.
                    glow[v, u] = -min(q * wet * (0.35 + 0.9 * puddle), 0.85)
                fog = 1.0 - np.exp(-light[FOG] * far)
            rgb[v, u, 0] = red + (light[FOG_COLOR] - red) * fog
            rgb[v, u, 1] = green + (light[FOG_COLOR + 1] - green) * fog
            rgb[v, u, 2] = blue + (light[FOG_COLOR + 2] - blue) * fog
