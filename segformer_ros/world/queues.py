# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Traffic as dense as on real roads: queues around the ego vehicle, riders and crowds close by.

What is close keeps its distance to the ego vehicle, so that any moment of a scene has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
import math

from segformer_ros.world.builder import Style
from segformer_ros.world.primitives import Rows
from segformer_ros.world.random_source import RandomSource
from segformer_ros.world.road_cars import road_car
from segformer_ros.world.road_people import road_person
from segformer_ros.world.road_trucks import road_bus, road_truck, road_van
from segformer_ros.world.street import (
    GUTTER,
    LANE,
    LANES_LEFT,
    LANES_RIGHT,
    MEDIAN,
    SIDEWALK,
    Street,
    VERGE,
)
from segformer_ros.world.traffic import (
    Actor,
    EGO_HALF_LENGTH_M,
    EGO_HALF_WIDTH_M,
    PHASES,
    Traffic,
)
from segformer_ros.world.two_wheelers import bicycle, motorcycle
from segformer_ros.world.vehicles import Vehicle

REACH_M = 75.0
# Vehicles of a kind that a scene has; each is seen more than once.
OWN_FLEET = 16
OWN_CROWD = 10
# The camera is up to so far left or right of the middle of its lane.
ASIDE_M = 0.5


@dataclass(frozen=True)
class _Span:
    """What an actor takes of the road: along it, from the ego vehicle, and across."""

    x0: float
    x1: float
    t0: float
    t1: float

    def meets(self, other: _Span) -> bool:
        return (
            self.x0 < other.x1 and other.x0 < self.x1 and self.t0 < other.t1 and other.t0 < self.t1
        )


def _span(x: float, actor: Actor, room: float = 0.15) -> _Span:
    c, s = abs(math.cos(actor.turn)), abs(math.sin(actor.turn))
    along = c * actor.half_length + s * actor.half_width + room
    across = s * actor.half_length + c * actor.half_width + room
    return _Span(x - along, x + along, actor.t - across, actor.t + across)


class DenseTraffic(Traffic):
    """Traffic of a scene with what is close to the ego vehicle put around it."""

    def __init__(self, street: Street, style: Style, seed: int, *, umbrellas: bool) -> None:
        super().__init__(street, style, seed, umbrellas=umbrellas)
        rng = RandomSource(seed, 0xD15)
        half = EGO_HALF_WIDTH_M + ASIDE_M
        t = self.ego.t
        room = _Span(-EGO_HALF_LENGTH_M - 0.3, EGO_HALF_LENGTH_M + 0.3, t - half, t + half)
        self._taken = [room]
        self._close: list[tuple[float, Actor]] = []
        if rng.chance(0.22):
            self._oblique(rng)
        if rng.chance(0.25):
            self._two_wheelers(rng)
        self._queues(rng)
        if rng.chance(0.3):
            self._crowd_around(rng)

    def actors(self, time_s: float) -> Iterator[Actor]:
        """Yield all that moves around the ego vehicle; what is close takes precedence."""
        x, _ = self.ego_place(time_s)
        for ahead, actor in self._close:
            yield Actor(
                *(actor.rows, x + ahead, actor.t, actor.turn),
                *(actor.half_length, actor.half_width, actor.leans),
            )
        for actor in super().actors(time_s):
            span = _span(actor.x - x, actor)
            if not any(span.meets(other) for other in self._taken):
                yield actor

    def vehicle(self, kind: int, number: int) -> Vehicle:
        """Return a vehicle of the scene's fleet; kind 0 car, 1 truck, 2 bus, 3 motorcycle."""
        key = (kind, number % OWN_FLEET)
        if key not in self._fleet:
            rng = RandomSource(self._seed, 0xCA2, *key)
            make = (road_car, road_truck, road_bus, motorcycle)[kind]
            if kind == 0 and rng.chance(0.12):
                make = road_van
            self._fleet[key] = make(rng)
        return self._fleet[key]

    def walker(self, number: int, way: float) -> Rows:
        """Return a person of the scene's crowd; way is how far it has walked, in metres."""
        key = (number % OWN_CROWD, int(way * 0.35 * PHASES) * 2 % PHASES)
        if self._umbrellas and key[0] % 2 == 0:
            return super().walker(number, way)
        if key not in self._crowd:
            swing = math.sin(key[1] * math.tau / PHASES)
            self._crowd[key] = road_person(RandomSource(self._seed, 0x9E0, key[0]), swing)
        return self._crowd[key]

    def _put(self, vehicle: Vehicle, ahead: float, t: float, turn: float) -> bool:
        """Put a vehicle where it meets nothing; say whether it does not."""
        size = (vehicle.half_length, vehicle.half_width)
        actor = Actor(vehicle.rows, 0.0, t, turn, *size, True)
        span = _span(ahead, actor)
        if any(span.meets(other) for other in self._taken):
            return False
        self._taken.append(span)
        self._close.append((ahead, actor))
        return True

    def _draw(self, rng: RandomSource) -> Vehicle:
        kind = rng.pick((*(0,) * 13, 1, 1, 2))
        return self.vehicle(kind, rng.integer(0, 999))

    def _queues(self, rng: RandomSource) -> None:
        """Fill lanes with vehicles that follow one another closely."""
        for lane in self.lanes:
            ego = lane is self.ego
            if not rng.chance(0.6 if ego else 0.6 if lane.direction > 0 else 0.4):
                continue
            if ego:
                # Most of the time the next one is close, at times a few lengths ahead.
                x = EGO_HALF_LENGTH_M + 0.4 + 12.0 * rng.uniform(0.0, 1.0) ** 1.6
            else:
                x = rng.uniform(-9.0, 8.0)
            gap = rng.uniform(0.9, 3.0) if rng.chance(0.6) else rng.uniform(3.0, 14.0)
            turn = 0.0 if lane.direction > 0 else math.pi
            while x < REACH_M:
                vehicle = self._draw(rng)
                t = lane.t + rng.uniform(-0.35, 0.35)
                askew = rng.uniform(-0.25, 0.25) if rng.chance(0.12) else 0.0
                self._put(vehicle, x + vehicle.half_length, t, turn + askew)
                x += 2.0 * vehicle.half_length + gap * rng.uniform(0.6, 1.6)

    def _oblique(self, rng: RandomSource) -> None:
        """Let vehicles turn, cut in or cross before the ego vehicle."""
        first, last = self._roadway()
        for _ in range(rng.integer(1, 2)):
            vehicle = self._draw(rng)
            turn = rng.sign() * (
                rng.uniform(0.2, 0.7) if rng.chance(0.5) else rng.uniform(1.1, 2.0)
            )
            long = (
                abs(math.sin(turn)) * vehicle.half_length
                + abs(math.cos(turn)) * vehicle.half_width
            )
            if last - first < 2.0 * long:
                continue
            t = min(max(self.ego.t + rng.uniform(-4.0, 4.0), first + long), last - long)
            along = abs(math.cos(turn)) * vehicle.half_length + vehicle.half_width
            x = EGO_HALF_LENGTH_M + 0.5 + along + 12.0 * rng.uniform(0.0, 1.0) ** 1.5
            self._put(vehicle, x, t, turn)

    def _roadway(self) -> tuple[float, float]:
        """Return t of both edges of the space free for vehicles around the ego lane."""
        street = self._street
        right = -street[MEDIAN] - street[LANES_RIGHT] * street[LANE] - 0.5 * street[GUTTER]
        if street[MEDIAN] > 0.3:
            return right, -street[MEDIAN] - 0.1
        return right, street[LANES_LEFT] * street[LANE] + 0.5 * street[GUTTER]

    def _two_wheelers(self, rng: RandomSource) -> None:
        """Put riders next to and before the ego vehicle."""
        first, last = self._roadway()
        for _ in range(rng.integer(1, 4)):
            make = bicycle if rng.chance(0.6) else motorcycle
            vehicle = make(rng)
            t = min(max(self.ego.t + rng.uniform(-3.5, 3.5), first), last)
            turn = (0.0 if t < 0.0 else math.pi) + rng.uniform(-0.3, 0.3)
            if rng.chance(0.1):
                turn = rng.uniform(0.0, math.tau)
            self._put(vehicle, rng.uniform(1.0, 12.0), t, turn)

    def _crowd_around(self, rng: RandomSource) -> None:
        """Let people cross before the ego vehicle, and stand and walk along the edge."""
        street = self._street
        if rng.chance(0.5):
            x = EGO_HALF_LENGTH_M + rng.uniform(1.0, 9.0)
            for _ in range(rng.integer(1, 8)):
                t = self.ego.t + rng.uniform(-5.0, 5.0)
                turn = rng.sign() * math.pi / 2 + rng.uniform(-0.3, 0.3)
                self._person(rng, x + rng.uniform(-1.2, 1.2), t, turn)
            return
        side = -1 if rng.chance(0.7) else 1
        inner = street.edge(side) + street[VERGE] + 0.2
        for _ in range(rng.integer(5, 25)):
            t = side * (inner + rng.uniform(0.0, max(street[SIDEWALK], 1.0)))
            turn = rng.pick((0.0, math.pi)) if rng.chance(0.6) else rng.uniform(0.0, math.tau)
            self._person(rng, rng.uniform(1.0, 25.0), t, turn)

    def _person(self, rng: RandomSource, ahead: float, t: float, turn: float) -> None:
        way = rng.uniform(0.0, 3.0) if rng.chance(0.7) else 0.0
        actor = Actor(self.walker(rng.integer(0, 999), way), 0.0, t, turn, 0.25, 0.3, False)
        span = _span(ahead, actor, 0.0)
        if not any(span.meets(other) for other in self._taken):
            self._taken.append(span)
            self._close.append((ahead, actor))
