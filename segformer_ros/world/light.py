# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The light of a scene: sun, sky, clouds, fog, wet ground, lamps."""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from segformer_ros.world.compiled import Array
from segformer_ros.world.random_source import RandomSource

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
    SKYLINE,
) = (0, 3, 6, 9, 12, 15, 18, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32)
SIZE = 33


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


def _sun(rng: RandomSource, time_of_day: str) -> tuple[float, float, float]:
    low, high = {'day': (0.45, 1.25), 'dusk': (0.12, 0.3), 'night': (0.5, 1.0)}[time_of_day]
    climb, turn = rng.uniform(low, high), rng.uniform(0.0, 6.283)
    flat = math.cos(climb)
    return flat * math.cos(turn), flat * math.sin(turn), math.sin(climb)


@dataclass
class _Colors:
    """The colours that a light is made of, while it is made."""

    sun: npt.NDArray[np.float64]
    ambient: npt.NDArray[np.float64]
    zenith: npt.NDArray[np.float64]
    horizon: npt.NDArray[np.float64]
    cloud: npt.NDArray[np.float64]


def _clear(rng: RandomSource, v: npt.NDArray[np.float64]) -> _Colors:
    warm = rng.uniform(0.0, 1.0)
    sun = np.array((1.0, 0.97 - 0.07 * warm, 0.92 - 0.2 * warm)) * rng.uniform(2.2, 3.2)
    ambient = np.array((0.58, 0.70, 0.92)) * rng.uniform(0.5, 0.9)
    zenith = np.array(rng.vary((0.13, 0.32, 0.78), 0.3))
    haze = rng.uniform(0.0, 1.0)
    horizon = np.array(rng.vary((0.5 + 0.3 * haze, 0.68 + 0.14 * haze, 0.92), 0.12))
    v[CLOUDS] = rng.uniform(-0.6, 0.5)
    v[SHADOWS] = 1.0
    return _Colors(sun, ambient, zenith, horizon, np.array((0.95, 0.95, 0.96)))


def _cover(rng: RandomSource, v: npt.NDArray[np.float64], colors: _Colors) -> None:
    """Draw clouds before the sun."""
    colors.sun *= rng.uniform(0.0, 0.15)
    gray = rng.uniform(0.75, 1.25)
    colors.ambient = np.array((0.74, 0.76, 0.80)) * 1.3 * gray
    colors.horizon = np.array(rng.vary((0.80, 0.82, 0.85), 0.06)) * gray
    colors.zenith = colors.horizon * rng.uniform(0.65, 1.0)
    colors.cloud = colors.horizon * rng.uniform(0.6, 0.9)
    v[CLOUDS] = rng.uniform(0.1, 0.9)
    v[SHADOWS] = 0.0


def _dusk(rng: RandomSource, v: npt.NDArray[np.float64], colors: _Colors, *, dull: bool) -> None:
    colors.sun *= np.array((0.75, 0.42, 0.2))
    colors.ambient *= np.array((0.5, 0.42, 0.5))
    if dull:
        colors.horizon, colors.zenith = colors.horizon * 0.45, colors.zenith * 0.4
        colors.cloud = colors.cloud * 0.4
    else:
        colors.horizon = np.array(rng.vary((0.95, 0.58, 0.36), 0.15))
        colors.zenith = np.array(rng.vary((0.20, 0.24, 0.45), 0.15))
        colors.cloud = np.array((0.75, 0.45, 0.42))
    v[LAMPS], v[HEADLIGHTS], v[GLOW] = 0.35, 0.35, 1.2


def _night(rng: RandomSource, v: npt.NDArray[np.float64], colors: _Colors) -> None:
    colors.sun *= 0.0
    v[SHADOWS] = 0.0
    moon = rng.uniform(0.4, 1.6)
    colors.ambient = np.array((0.09, 0.10, 0.15)) * 0.5 * moon
    colors.horizon = np.array(rng.vary((0.055, 0.05, 0.06), 0.4)) * moon
    colors.zenith = np.array((0.012, 0.014, 0.03)) * moon
    colors.cloud = colors.horizon * 0.9
    v[LAMPS], v[HEADLIGHTS], v[GLOW] = 1.0, rng.uniform(0.7, 1.3), 2.2


def make_light(rng: RandomSource, time_of_day: str, weather: str) -> npt.NDArray[np.float64]:
    """
    Make the light vector.

    :param time_of_day: One of TIMES.
    :param weather: One of WEATHERS.
    """
    v = np.zeros(SIZE)
    v[SUN : SUN + 3] = _sun(rng, time_of_day)
    colors = _clear(rng, v)
    v[GLOW] = 0.5
    v[EXPOSURE] = 1.5 if time_of_day == 'night' else 0.75
    dull = weather != 'clear'
    if dull:
        _cover(rng, v, colors)
    if time_of_day == 'dusk':
        _dusk(rng, v, colors, dull=dull)
    elif time_of_day == 'night':
        _night(rng, v, colors)
    v[SUN_COLOR : SUN_COLOR + 3] = colors.sun
    v[AMBIENT : AMBIENT + 3] = colors.ambient
    v[ZENITH : ZENITH + 3] = colors.zenith
    v[HORIZON : HORIZON + 3] = v[FOG_COLOR : FOG_COLOR + 3] = colors.horizon
    v[CLOUD_COLOR : CLOUD_COLOR + 3] = colors.cloud
    _weather(rng, v, weather)
    v[CLOUD_X] = rng.uniform(0.0, 200.0)
    v[CLOUD_SIZE] = rng.uniform(6.0, 26.0)
    return v


def _weather(rng: RandomSource, v: npt.NDArray[np.float64], weather: str) -> None:
    """Choose how far one sees, and how wet it is."""
    sight_m = {
        'clear': rng.uniform(700.0, 3000.0),
        'cloudy': rng.uniform(400.0, 1500.0),
        'rain': rng.uniform(120.0, 300.0),
        'fog': rng.uniform(35.0, 110.0),
    }
    v[FOG] = 1.0 / sight_m[weather]
    v[WET] = rng.uniform(0.5, 1.0) if weather == 'rain' else 0.0
    if weather in ('rain', 'fog'):
        v[HEADLIGHTS] = max(v[HEADLIGHTS], 0.1)
        v[GLOW] = max(v[GLOW], 0.9)
