# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
What moves: vehicles on their lanes, cyclists, walkers.

Every position is a function of the seed and of the time alone. The vehicles of a lane share
one speed and keep to slots of one length, so they never meet; the ego vehicle has the slot
number 0 of its lane, and people who cross the street are at its side when it passes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
import math

from segformer_ros.world import people
from segformer_ros.world.builder import has_arm, Style
from segformer_ros.world.primitives import Rows
from segformer_ros.world.random_source import mix, RandomSource
from segformer_ros.world.street import (
    ARM,
    GUTTER,
    HIGHWAY,
    LANE,
    LANES_LEFT,
    LANES_RIGHT,
    MEDIAN,
    SIDEWALK,
    Street,
    VERGE,
)
from segformer_ros.world.trucks import bus, truck
from segformer_ros.world.two_wheelers import bicycle, motorcycle
from segformer_ros.world.vehicles import car, Vehicle

SEEN_BEHIND_M = 70.0
SEEN_AHEAD_M = 260.0
EGO_HALF_LENGTH_M = 2.4
EGO_HALF_WIDTH_M = 0.95
PHASES = 8
FLEET = 40
CROWD = 24


@dataclass(frozen=True)
class Actor:
    """Something that moves, at x and t of the street; turn is the angle from its direction."""

    rows: Rows
    x: float
    t: float
    turn: float
    half_length: float
    half_width: float
    leans: bool


@dataclass(frozen=True)
class Lane:
    """A lane; direction 1 goes along x. Slot j is around phase + j * gap at time 0."""

    direction: int
    t: float
    speed: float
    gap: float
    jitter: float
    phase: float
    density: float
    number: int


class Traffic:
    """The moving part of a scene."""

    def __init__(self, street: Street, style: Style, seed: int, *, umbrellas: bool) -> None:
        rng = RandomSource(seed, 0x7AF)
        self._street, self._seed = street, seed
        self._umbrellas = umbrellas
        self._fleet: dict[tuple[int, int], Vehicle] = {}
        self._crowd: dict[tuple[int, int], Rows] = {}
        low, high = {'highway': (21.0, 31.0), 'urban': (7.0, 12.0)}.get(street.kind, (9.0, 16.0))
        base = rng.uniform(low, high)
        lanes_right, lanes_left = int(street[LANES_RIGHT]), int(street[LANES_LEFT])
        self.ego_lane = rng.integer(0, lanes_right - 1)
        self.lanes = [
            self._lane(rng, direction, lane, count, base)
            for direction, count in ((1, lanes_right), (-1, lanes_left))
            for lane in range(count)
        ]
        self.ego = self.lanes[self.ego_lane]
        self._cyclists = rng.uniform(0.15, 0.8) if street[HIGHWAY] == 0.0 else 0.0
        self._walkers = style.people if street[SIDEWALK] > 0.0 else 0.0

    def _lane(self, rng: RandomSource, direction: int, lane: int, count: int, base: float) -> Lane:
        highway = self._street[HIGHWAY] != 0.0
        gap = rng.uniform(26.0, 70.0) if highway else rng.uniform(16.5, 45.0)
        return Lane(
            direction,
            self._street.lane_middle(direction, lane),
            base * (1.0 + 0.08 * (count - 1 - lane)),
            gap,
            min(0.5 * (gap - 14.0), 12.0),
            rng.uniform(0.0, gap),
            rng.uniform(0.35, 0.95),
            direction * 8 + lane,
        )

    def ego_place(self, time_s: float) -> tuple[float, float]:
        """Return x and t of the ego vehicle."""
        return self.ego.phase + self.ego.speed * time_s, self.ego.t

    def ego_passes(self, x: float) -> float:
        """Return the time at which the ego vehicle is at x."""
        return (x - self.ego.phase) / self.ego.speed

    def actors(self, time_s: float) -> Iterator[Actor]:
        """Yield all that moves around the ego vehicle."""
        first = self.ego_place(time_s)[0] - SEEN_BEHIND_M
        last = first + SEEN_BEHIND_M + SEEN_AHEAD_M
        for lane in self.lanes:
            yield from self._vehicles(lane, time_s, first, last)
        if self._cyclists:
            yield from self._riders(time_s, first, last - 120.0)
        if self._walkers:
            yield from self._strollers(time_s, first, last - 130.0)
        for x in self._street.junctions(first, last - 100.0):
            yield from self._crossing(x, time_s)

    def vehicle(self, kind: int, number: int) -> Vehicle:
        """Return a vehicle of the scene's fleet; kind 0 car, 1 truck, 2 bus, 3 motorcycle."""
        key = (kind, number % FLEET)
        if key not in self._fleet:
            make = (car, truck, bus, motorcycle)[kind]
            self._fleet[key] = make(RandomSource(self._seed, 0xCA2, *key))
        return self._fleet[key]

    def _slots(
        self, lane: Lane, time_s: float, first: float, last: float
    ) -> Iterator[tuple[int, float]]:
        """Yield a random number and x of the taken slots in sight."""
        shift = lane.phase + lane.direction * lane.speed * time_s
        low, high = math.ceil((first - shift) / lane.gap), math.floor((last - shift) / lane.gap)
        for j in range(low, high + 1):
            bits = mix(self._seed, lane.number, j)
            jitter = ((bits >> 16) % 2001 / 1000.0 - 1.0) * lane.jitter
            if bits % 10007 < lane.density * 10007 and not (lane is self.ego and j == 0):
                yield bits >> 32, shift + j * lane.gap + jitter

    def _vehicles(self, lane: Lane, time_s: float, first: float, last: float) -> Iterator[Actor]:
        for rng, x in self._slots(lane, time_s, first, last):
            kind = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 3, 3)[rng % 20]
            vehicle = self.vehicle(kind, rng // 20)
            turn = 0.0 if lane.direction > 0 else math.pi
            aside = (rng // 1000 % 100 / 100.0 - 0.5) * 0.3
            size = (vehicle.half_length, vehicle.half_width)
            yield Actor(vehicle.rows, x, lane.t + aside, turn, *size, True)

    def _riders(self, time_s: float, first: float, last: float) -> Iterator[Actor]:
        street = self._street
        for side, direction in ((-1, 1), (1, -1)):
            lanes = street[LANES_LEFT if side > 0 else LANES_RIGHT]
            t = side * (street[MEDIAN] + lanes * street[LANE] + min(0.3, street[GUTTER]))
            lane = Lane(direction, t, 4.5, 17.0, 6.0, 3.0, self._cyclists, direction * 8 + 40)
            for who, x in self._slots(lane, time_s, first, last):
                phase = int(x * 0.5 * PHASES) % PHASES
                key = (100 + phase, who % 10)
                if key not in self._fleet:
                    self._fleet[key] = bicycle(
                        RandomSource(self._seed, 0xB1C, who % 10), phase=phase * math.tau / PHASES
                    )
                bike = self._fleet[key]
                turn = 0.0 if direction > 0 else math.pi
                yield Actor(bike.rows, x, t, turn, bike.half_length, bike.half_width, True)

    def walker(self, number: int, way: float) -> Rows:
        """Return a person of the scene's crowd; way is how far it has walked, in metres."""
        key = (number % CROWD, int(way * 0.7 * PHASES) % PHASES)
        if key not in self._crowd:
            swing = math.sin(key[1] * math.tau / PHASES)
            rng = RandomSource(self._seed, 0x9E0, key[0])
            umbrella = self._umbrellas and key[0] % 2 == 0
            self._crowd[key] = people.person(rng, swing, umbrella=umbrella)
        return self._crowd[key]

    def _strollers(self, time_s: float, first: float, last: float) -> Iterator[Actor]:
        street = self._street
        for side in (-1, 1):
            inner = street.edge(side) + street[VERGE]
            for direction in (-1, 1):
                share = 0.5 + 0.18 * direction
                t = side * (inner + 0.2 + share * (street[SIDEWALK] - 0.2))
                number = 60 + side * 4 + direction
                lane = Lane(direction, t, 1.3, 5.5, 2.2, 0.0, 0.45 * self._walkers, number)
                turn = 0.0 if direction > 0 else math.pi
                for who, x in self._slots(lane, time_s, first, last):
                    yield Actor(self.walker(who, x), x, t, turn, 0.25, 0.3, False)

    def _crossing(self, x: float, time_s: float) -> Iterator[Actor]:
        """Yield who crosses the main road at a junction, and cars that arrive on its arms."""
        street = self._street
        passes = self.ego_passes(x)
        rng = RandomSource(self._seed, 0xC20, round(x))
        for _ in range(rng.integer(0, 6)):
            direction = rng.sign()
            low, high = -street.edge(-1) - 1.2, street.edge(1) + 1.2
            # At that time the walker is outside the lane of the ego vehicle.
            at = rng.uniform(low, high)
            while abs(at - self.ego.t) < EGO_HALF_WIDTH_M + 1.4:
                at = rng.uniform(low, high)
            end = rng.sign()
            place = x + end * (street[ARM] + 2.3 + rng.uniform(-1.0, 1.0))
            moment = passes + end * (street[ARM] + 2.3) / self.ego.speed
            t = min(max(at + direction * 1.35 * (time_s - moment), low), high)
            turn = direction * math.pi / 2
            way = t if low < t < high else 0.0
            yield Actor(self.walker(rng.integer(0, 999), way), place, t, turn, 0.3, 0.25, False)
        for side in (-1, 1):
            if not has_arm(street, side) or not rng.chance(0.75):
                continue
            vehicle = self.vehicle(rng.pick((0, 0, 0, 1, 2, 3)), rng.integer(0, 999))
            wait = street.edge(side) + street[SIDEWALK] + street[VERGE] + 1.0
            wait += vehicle.half_length
            ahead = passes - rng.uniform(-1.0, 6.0) - time_s
            t = side * (wait + min(max(7.0 * ahead, 0.0), 60.0))
            place = x - side * 0.5 * street[ARM]
            turn = -side * math.pi / 2
            size = (vehicle.half_length, vehicle.half_width)
            yield Actor(vehicle.rows, place, t, turn, *size, False)
