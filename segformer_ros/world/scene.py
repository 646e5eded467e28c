# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A scene: street, light, and all that stands and moves, as a function of a seed."""

from __future__ import annotations

from dataclasses import dataclass
import math

import numpy as np
import numpy.typing as npt
from segformer_ros.world import road_variety
from segformer_ros.world.builder import LENGTH_M, Lot, make_style
from segformer_ros.world.light import CLOCK, make_light, TIMES, WEATHERS
from segformer_ros.world.lots import build_lot
from segformer_ros.world.primitives import CENTER, COLUMNS, place, Rows
from segformer_ros.world.queues import DenseTraffic, OWN_FLEET
from segformer_ros.world.random_source import RandomSource
from segformer_ros.world.roadside import make_stock, pooled, Stock
from segformer_ros.world.sensor import random_sensor
from segformer_ros.world.street_kinds import make_street
from segformer_ros.world.traffic import Actor, SEEN_AHEAD_M, SEEN_BEHIND_M, Traffic

KINDS = ('urban', 'suburban', 'highway', 'rural')
VARIETIES = ('plain', 'roads')
# What a scene draws from, by variety: times of day, weathers, kinds of streets.
_MIXES = {
    'plain': (
        ('day', 'day', 'day', 'dusk', 'night'),
        (*('clear',) * 4, 'cloudy', 'cloudy', 'rain', 'fog'),
        (*('urban',) * 9, *('suburban',) * 4, *('highway',) * 5, 'rural', 'rural'),
    ),
    'roads': (road_variety.TIMES, road_variety.WEATHERS, road_variety.KINDS),
}
KEPT_LOTS = 24
LAMP_COUNT = 8


@dataclass(frozen=True)
class Moment:
    """All primitives at one time, in metres from origin."""

    origin: npt.NDArray[np.float64]
    rows: Rows
    lamps: npt.NDArray[np.float64]
    spots: npt.NDArray[np.float64]


class Scene:
    """
    A street scene that never ends.

    :param time_of_day: day, dusk or night; chosen by the seed when None.
    :param weather: clear, cloudy, rain or fog; chosen by the seed when None.
    :param kind: urban, suburban, highway or rural; chosen by the seed when None.
    :param variety: plain, or roads: domain randomisation toward real cameras on real roads.
    :raises ValueError: One of them is not known.
    """

    def __init__(
        self,
        seed: int,
        *,
        time_of_day: str | None = None,
        weather: str | None = None,
        kind: str | None = None,
        variety: str = 'plain',
    ) -> None:
        rng = RandomSource(seed, 0x5CE)
        self.variety = _known('variety', variety, VARIETIES)
        choices = [rng.pick(mix) for mix in _MIXES[variety]]
        self.seed = seed
        self.time_of_day = _known('time_of_day', time_of_day or choices[0], TIMES)
        self.weather = _known('weather', weather or choices[1], WEATHERS)
        self.kind = _known('kind', kind or choices[2], KINDS)
        roads = variety == 'roads'
        self.street = make_street(RandomSource(seed, 0x57E), self.kind)
        if roads:
            self.street = road_variety.vary_street(RandomSource(seed, 0x57F), self.street)
        self.style = make_style(RandomSource(seed, 0x571), self.kind)
        if roads:
            self.style = pooled(seed, self.style)
        make_traffic = DenseTraffic if roads else Traffic
        self.traffic = make_traffic(
            self.street, self.style, seed, umbrellas=self.weather == 'rain'
        )
        self.sensor = random_sensor(RandomSource(seed, 0x5E5), amount=0.4)
        self._light = make_light(RandomSource(seed, 0x116), self.time_of_day, self.weather)
        if roads:
            road_variety.vary_light(RandomSource(seed, 0x117), self._light)
        self._stock: Stock | None = None
        if isinstance(self.traffic, DenseTraffic):
            cars = tuple(self.traffic.vehicle(0, n) for n in range(OWN_FLEET))
            self._stock = make_stock(seed, self.style, cars)
        self._lots: dict[int, Lot] = {}

    def light(self, time_s: float) -> npt.NDArray[np.float64]:
        """Return the light vector at a time."""
        light = self._light.copy()
        light[CLOCK] = time_s
        return light

    def lot(self, index: int) -> Lot:
        """Return what stands on a stretch of the street; the last ones are kept."""
        if index not in self._lots:
            while len(self._lots) >= KEPT_LOTS:
                del self._lots[next(iter(self._lots))]
            self._lots[index] = build_lot(self.street, self.style, self.seed, index, self._stock)
        return self._lots[index]

    def actors(self, time_s: float) -> list[Actor]:
        """Return all that moves around the ego vehicle."""
        return list(self.traffic.actors(time_s))

    def at(self, time_s: float, behind_m: float = SEEN_BEHIND_M) -> Moment:
        """
        Put the whole scene around the ego vehicle together.

        :param behind_m: How much of what stands behind the ego vehicle.
        """
        x, _ = self.traffic.ego_place(time_s)
        start = math.floor(x / 64.0) * 64.0
        origin = np.array((start, round(self.street.middle(start)), 0.0))
        origin[2] = round(self.street.point(start, 0.0)[2])
        first = math.floor((x - behind_m) / LENGTH_M)
        last = math.floor((x + SEEN_AHEAD_M) / LENGTH_M)
        lots = [self.lot(index) for index in range(first, last + 1)]
        rows, lamps, spots = [], [], []
        for lot in lots:
            shift = lot.origin - origin
            moved = lot.rows.copy()
            moved[:, CENTER : CENTER + 3] += shift.astype(np.float32)
            rows.append(moved)
            lamps.append(lot.lamps + shift)
            spot = lot.spots.copy()
            spot[:, :2] += shift[:2]
            spots.append(spot)
        moving, shade = self._moving(origin, time_s)
        lamp = np.concatenate(lamps)
        ego = np.array(self.street.point(x + 12.0, 0.0)) - origin
        near = np.argsort(np.hypot(lamp[:, 0] - ego[0], lamp[:, 1] - ego[1]), kind='stable')
        every = np.concatenate([*rows, moving])
        if self.variety == 'roads':
            every = road_variety.restyle(every, RandomSource(self.seed, 0x118))
        return Moment(
            origin,
            every,
            lamp[near[:LAMP_COUNT]],
            np.concatenate([*spots, shade]),
        )

    def _moving(
        self, origin: npt.NDArray[np.float64], time_s: float
    ) -> tuple[Rows, npt.NDArray[np.float64]]:
        actors = self.actors(time_s)
        if not actors:
            return np.empty((0, COLUMNS), np.float32), np.empty((0, 6))
        poses, spots = np.empty((len(actors), 5)), np.empty((len(actors), 6))
        for n, actor in enumerate(actors):
            yaw = self.street.yaw(actor.x) + actor.turn
            slope = self.street.grade(actor.x) / self.street.stretch(actor.x)
            point = np.array(self.street.point(actor.x, actor.t)) - origin
            poses[n, :3] = point
            poses[n, 3:] = yaw, slope * math.cos(actor.turn) if actor.leans else 0.0
            spots[n, :2] = point[:2]
            spots[n, 2:] = math.cos(yaw), math.sin(yaw), actor.half_length, actor.half_width
        counts = np.array([len(actor.rows) for actor in actors], np.int64)
        templates = np.concatenate([actor.rows for actor in actors])
        return place(templates, np.cumsum(counts) - counts, counts, poses), spots


def _known(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError(f'{name} must be one of {", ".join(known)}, not {value!r}')
    return value
