# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The light of a scene: sun, sky, clouds, fog, wet ground, lamps."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from segformer_ros.world.compiled import Array
from segformer_ros.world.dice import Dice

TIMES = ('day', 'dusk', 'night')
WEATHERS = ('clear', 'cloudy', 'rain', 'fog')

# Places in the vector; colours take three.
(
    SUN,
    SUN_COLOR,
    AMBIENT,
    ZENITH,
    HORIZON,
    CLOUD_COLOR,
    FOG_COLOR,
    CLOUDS,
    FOG,
    WET,
    LAMPS,
    HEADLIGHTS,
    CLOUD_X,
    CLOCK,
    GLOW,
    EXPOSURE,
    SHADOWS,
    CLOUD_SIZE,
) = (0, 3, 6, 9, 12, 15, 18, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31)
SIZE = 32


class Shining(NamedTuple):
    """
    The light for compiled code.

    :param light: The light vector.
    :param lamps: (K, 3) places of street lamps.
    :param grid: x, y, z and cell size of the two maps.
    :param heights: Shadow map of the sun.
    :param contact: Share of the sky that vehicles leave to the ground.
    """

    light: Array
    lamps: Array
    grid: Array
    heights: Array
    contact: Array


def _sun(dice: Dice, time_of_day: str) -> tuple[float, float, float]:
    low, high = {'day': (0.45, 1.25), 'dusk': (0.12, 0.3), 'night': (0.5, 1.0)}[time_of_day]
    climb, turn = dice.uniform(low, high), dice.uniform(0.0, 6.283)
    flat = math.cos(climb)
    return flat * math.cos(turn), flat * math.sin(turn), math.sin(climb)


def make_light(dice: Dice, time_of_day: str, weather: str) -> npt.NDArray[np.float64]:
    """
    Make the light vector.

    :param time_of_day: One of TIMES.
    :param weather: One of WEATHERS.
    """
    v = np.zeros(SIZE)
    v[SUN : SUN + 3] = _sun(dice, time_of_day)
    dull = weather != 'clear'
    warm = dice.uniform(0.0, 1.0)
    sun = np.array((1.0, 0.97 - 0.07 * warm, 0.92 - 0.2 * warm)) * dice.uniform(2.2, 3.2)
    ambient = np.array((0.58, 0.70, 0.92)) * dice.uniform(0.5, 0.9)
    zenith = np.array(dice.vary((0.13, 0.32, 0.78), 0.3))
    haze = dice.uniform(0.0, 1.0)
    horizon = np.array(dice.vary((0.5 + 0.3 * haze, 0.68 + 0.14 * haze, 0.92), 0.12))
    cloud = np.array((0.95, 0.95, 0.96))
    v[CLOUDS] = dice.uniform(-0.6, 0.5)
    v[EXPOSURE] = 0.75
    v[SHADOWS] = 1.0
    if dull:
        share = dice.uniform(0.0, 0.15)
        sun *= share
        v[SHADOWS] = 0.0
        gray = dice.uniform(0.75, 1.25)
        ambient = np.array((0.74, 0.76, 0.80)) * 1.3 * gray
        horizon = np.array(dice.vary((0.80, 0.82, 0.85), 0.06)) * gray
        zenith = horizon * dice.uniform(0.65, 1.0)
        cloud = horizon * dice.uniform(0.6, 0.9)
        v[CLOUDS] = dice.uniform(0.1, 0.9)
    if time_of_day == 'dusk':
        sun *= np.array((0.75, 0.42, 0.2))
        ambient *= np.array((0.5, 0.42, 0.5))
        if dull:
            horizon, zenith, cloud = horizon * 0.45, zenith * 0.4, cloud * 0.4
        else:
            horizon = np.array(dice.vary((0.95, 0.58, 0.36), 0.15))
            zenith = np.array(dice.vary((0.20, 0.24, 0.45), 0.15))
            cloud = np.array((0.75, 0.45, 0.42))
        v[LAMPS], v[HEADLIGHTS], v[GLOW] = 0.35, 0.35, 1.2
    elif time_of_day == 'night':
        sun *= 0.0
        v[SHADOWS] = 0.0
        moon = dice.uniform(0.4, 1.6)
        ambient = np.array((0.09, 0.10, 0.15)) * 0.5 * moon
        horizon = np.array(dice.vary((0.055, 0.05, 0.06), 0.4)) * moon
        zenith = np.array((0.012, 0.014, 0.03)) * moon
        cloud = horizon * 0.9
        v[LAMPS], v[HEADLIGHTS], v[GLOW] = 1.0, dice.uniform(0.7, 1.3), 2.2
        v[EXPOSURE] = 1.5
    else:
        v[GLOW] = 0.5
    v[SUN_COLOR : SUN_COLOR + 3] = sun
    v[AMBIENT : AMBIENT + 3] = ambient
    v[ZENITH : ZENITH + 3] = zenith
    v[HORIZON : HORIZON + 3] = horizon
    v[CLOUD_COLOR : CLOUD_COLOR + 3] = cloud
    v[FOG] = (
        1.0
        / {
            'clear': dice.uniform(700.0, 3000.0),
            'cloudy': dice.uniform(400.0, 1500.0),
            'rain': dice.uniform(120.0, 300.0),
            'fog': dice.uniform(35.0, 110.0),
        }[weather]
    )
    v[FOG_COLOR : FOG_COLOR + 3] = horizon
    v[WET] = dice.uniform(0.5, 1.0) if weather == 'rain' else 0.0
    if weather in ('rain', 'fog'):
        v[HEADLIGHTS] = max(v[HEADLIGHTS], 0.1)
        v[GLOW] = max(v[GLOW], 0.9)
    v[CLOUD_X] = dice.uniform(0.0, 200.0)
    v[CLOUD_SIZE] = dice.uniform(6.0, 26.0)
    return v
