# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Domain randomisation toward real cameras on real roads: what is drawn wider than in the demo.

The idea is that of J. Tobin et al., "Domain Randomization for Transferring Deep Neural Networks
from Simulation to the Real World", arXiv:1703.06907: vary what is not known of the real images.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from segformer_ros.world.dice import Dice
from segformer_ros.world.light import EXPOSURE, SHADOWS, SKYLINE, SUN

TIMES = (*('day',) * 8, 'dusk', 'night')
WEATHERS = (*('clear',) * 5, *('cloudy',) * 3, 'rain', 'fog')
KINDS = (*('urban',) * 8, *('suburban',) * 5, *('highway',) * 5, 'rural', 'rural')


def vary_light(dice: Dice, light: npt.NDArray[np.float64]) -> None:
    """Lower the sun, step the exposure and put a skyline into reflections."""
    if light[SHADOWS] and dice.chance(0.35):
        climb, turn = dice.uniform(0.10, 0.40), math.atan2(light[SUN + 1], light[SUN])
        flat = math.cos(climb)
        light[SUN : SUN + 3] = flat * math.cos(turn), flat * math.sin(turn), math.sin(climb)
    light[EXPOSURE] *= 2.0 ** dice.uniform(-1.3, 0.9)
    light[SKYLINE] = dice.uniform(0.04, 0.5)
