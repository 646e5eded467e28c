# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Domain randomisation toward real cameras on real roads: what is drawn wider than in the demo.

The idea is that of J. Tobin et al., "Domain Randomization for Transferring Deep Neural Networks
from Simulation to the Real World", arXiv:1703.06907: vary what is not known of the real images.
"""

from __future__ import annotations

from dataclasses import replace
import math

import numpy as np
import numpy.typing as npt
from segformer_ros.world.light import EXPOSURE, SHADOWS, SKYLINE, SUN
from segformer_ros.world.primitives import (
    CARGO,
    CLOTH,
    COLOR,
    CUT,
    FOLIAGE,
    LEAF,
    MATERIAL,
    Rows,
    VAN,
)
from segformer_ros.world.random_source import RandomSource
from segformer_ros.world.street import (
    ASPHALT,
    CALM,
    CRACKS,
    GRASS,
    GREEN,
    HILLS,
    MARKED,
    SEAMS,
    SIDEWALK,
    SOIL,
    STONES,
    Street,
    TUFTS,
    WEAR,
)

TIMES = (*('day',) * 8, 'dusk', 'night')
WEATHERS = (*('clear',) * 5, *('cloudy',) * 3, 'rain', 'fog')
KINDS = (*('urban',) * 8, *('suburban',) * 5, *('highway',) * 5, 'rural', 'rural')


def vary_light(rng: RandomSource, light: npt.NDArray[np.float64]) -> None:
    """Lower the sun, step the exposure and put a skyline into reflections."""
    if light[SHADOWS] and rng.chance(0.35):
        climb, turn = rng.uniform(0.10, 0.40), math.atan2(light[SUN + 1], light[SUN])
        flat = math.cos(climb)
        light[SUN : SUN + 3] = flat * math.cos(turn), flat * math.sin(turn), math.sin(climb)
    light[EXPOSURE] *= 2.0 ** rng.uniform(-1.3, 0.9)
    light[SKYLINE] = rng.uniform(0.04, 0.5)


DRY = ((0.36, 0.29, 0.14), (0.42, 0.36, 0.2), (0.3, 0.26, 0.12), (0.24, 0.22, 0.1))


def vary_street(rng: RandomSource, street: Street) -> Street:
    """Return a street whose surface has grays, cracks, seams, patches and grass of real roads."""
    v = street.values.copy()
    v[CALM] = rng.uniform(0.45, 0.95)
    v[ASPHALT] = rng.uniform(0.04, 0.2) if rng.chance(0.75) else rng.uniform(0.2, 0.45)
    v[CRACKS] = rng.uniform(0.0, 1.0) ** 1.5
    v[SEAMS] = rng.uniform(0.0, 1.0)
    v[WEAR] = rng.uniform(0.0, 0.75)
    v[TUFTS] = rng.uniform(0.5, 1.0)
    v[GRASS] *= rng.uniform(0.8, 1.6)
    if street.kind in ('urban', 'suburban') and rng.chance(0.06):
        v[STONES], v[MARKED], v[CALM] = rng.uniform(0.09, 0.2), 0.0, 0.9
    v[SIDEWALK] *= rng.uniform(1.0, 1.7)
    if street.kind != 'urban' and rng.chance(0.5):
        v[HILLS] = rng.uniform(40.0, 160.0)
    if rng.chance(0.35):
        v[GREEN : GREEN + 3] = rng.vary(rng.pick(DRY), 0.25)
        v[SOIL : SOIL + 3] = rng.vary(rng.pick(DRY), 0.25)
    else:
        # Grass reflects less than it seems.
        v[GREEN : GREEN + 3] *= rng.uniform(0.5, 1.0)
    return replace(street, values=v)


def restyle(rows: Rows, rng: RandomSource) -> Rows:
    """Return objects of the plain world leaves, cloth and edges as cameras see them."""
    out, dull, bright = rows.copy(), rng.uniform(0.2, 0.85), rng.uniform(0.6, 1.5)
    material = rows[:, MATERIAL]
    leaf = material == LEAF
    out[leaf, MATERIAL] = FOLIAGE
    out[leaf, CUT] = np.clip(0.06 + 0.85 * rows[leaf, CUT], 0.15, 0.43)
    soft = leaf | (material == CLOTH)
    color = out[soft, COLOR : COLOR + 3]
    gray = color.mean(axis=1, keepdims=True)
    fade = np.where(leaf[soft], 0.35 * dull, dull)[:, None]
    out[soft, COLOR : COLOR + 3] = color + fade * (gray - color)
    out[leaf, COLOR : COLOR + 3] *= bright
    # The look of heavy vehicles rounds its edges where it is cut.
    out[(material >= VAN) & (material <= CARGO), CUT] = rng.uniform(0.3, 0.8)
    return out
