# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What builds the stretches of a street, and the style it keeps to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import math

import numpy as np
import numpy.typing as npt
from segformer_ros.world import land, vehicles
from segformer_ros.world.primitives import place, Rows
from segformer_ros.world.random_source import RandomSource
from segformer_ros.world.street import (
    ARM,
    ARM_LEFT,
    ARM_RIGHT,
    Street,
)

LENGTH_M = 48.0
# Crowns of trees stay above the vehicles.
CLEAR_M = 2.7


@dataclass(frozen=True)
class Lot:
    """
    What stands on LENGTH_M metres of the street, in world coordinates minus the origin.

    lamps is (K, 3); spots is (K, 6): x, y, cosine and sine of the direction, half length and
    half width of what darkens the ground below itself.
    """

    origin: npt.NDArray[np.float64]
    rows: Rows
    lamps: npt.NDArray[np.float64]
    spots: npt.NDArray[np.float64]


class Builder:
    """Collects objects at places of the street."""

    def __init__(
        self,
        street: Street,
        origin: tuple[float, float, float],
        make_car: Callable[[RandomSource], vehicles.Vehicle] = vehicles.car,
    ) -> None:
        self.street = street
        self.make_car = make_car
        self.origin = np.array(origin)
        self._objects: list[Rows] = []
        self._poses: list[tuple[float, float, float, float, float]] = []
        self._lamps: list[tuple[float, float, float]] = []
        self._spots: list[tuple[float, ...]] = []

    def put(
        self, rows: Rows, x: float, t: float, turn: float = 0.0, *, lean: bool = False
    ) -> None:
        """
        Put an object on the ground.

        :param turn: Angle from the direction of the street, in radians.
        :param lean: Follow the slope of the street, as vehicles and walls do.
        """
        px, py, pz = self.street.point(x, t)
        slope = 0.0
        if lean:
            slope = self.street.grade(x) / self.street.stretch(x) * math.cos(turn)
        yaw = self.street.yaw(x) + turn
        ox, oy, oz = self.origin.tolist()
        self._objects.append(rows)
        self._poses.append((px - ox, py - oy, pz - oz, yaw, slope))

    def put_vehicle(self, vehicle: vehicles.Vehicle, x: float, t: float, turn: float) -> None:
        """Put a vehicle on the ground, with the shade below it."""
        self.put(vehicle.rows, x, t, turn, lean=True)
        px, py, _, yaw, _ = self._poses[-1]
        size = (vehicle.half_length, vehicle.half_width)
        self._spots.append((px, py, math.cos(yaw), math.sin(yaw), *size))

    def light(self, x: float, t: float, height: float) -> None:
        """Put the light of a lamp."""
        px, py, pz = self.street.point(x, t)
        ox, oy, oz = self.origin.tolist()
        self._lamps.append((px - ox, py - oy, pz - oz + height))

    def finish(self) -> Lot:
        """Make the lot."""
        counts = np.array([len(rows) for rows in self._objects], np.int64)
        starts = np.cumsum(counts) - counts
        templates = np.concatenate(self._objects) if self._objects else np.empty((0, 28), 'f4')
        poses = np.array(self._poses).reshape(-1, 5)
        return Lot(
            self.origin,
            place(templates, starts, counts, poses),
            np.array(self._lamps).reshape(-1, 3),
            np.array(self._spots).reshape(-1, 6),
        )


@dataclass(frozen=True)
class Style:
    """
    What a scene has next to its street.

    :param pool: Broad-leaved trees and conifers to plant again and again; None: each is another.
    """

    green: tuple[float, float, float]
    trees: float
    conifers: float
    lamps: float
    parked: float
    props: float
    signs: float
    people: float
    barrier: str
    border: tuple[str, str]
    signals: bool
    height: float
    pole_line: int
    pool: tuple[tuple[Rows, ...], tuple[Rows, ...]] | None = None


def make_style(rng: RandomSource, kind: str) -> Style:
    """Choose a style for a kind of street."""
    return Style(
        green=rng.vary(rng.pick(land.GREENS), 0.3),
        trees=rng.uniform(0.2, 1.0),
        conifers=rng.pick((0.0, 0.1, 0.5)),
        lamps=0.0 if rng.chance(0.15 if kind == 'urban' else 0.5) else rng.uniform(20.0, 36.0),
        parked=rng.uniform(0.3, 0.95),
        props=rng.uniform(0.1, 0.5),
        signs=rng.uniform(0.2, 0.6),
        people=rng.uniform(0.1, 1.0),
        barrier=rng.pick(('wall', 'wall', 'rail', 'hedge', 'none')),
        border=(
            rng.pick(('rail', 'fence', 'wall', 'noise', 'none', 'none')),
            rng.pick(('rail', 'fence', 'wall', 'noise', 'none', 'none')),
        ),
        signals=rng.chance(0.75),
        height=rng.uniform(6.0, 22.0),
        pole_line=rng.pick((-1, 0, 0, 1)),
    )


def has_arm(street: Street, side: int) -> bool:
    """Return whether side streets leave on a side."""
    return street[ARM_LEFT if side > 0 else ARM_RIGHT] != 0.0


def clear_of_arm(street: Street, x: float, side: int, room: float) -> bool:
    """Return whether a place is at least `room` metres next to the side streets."""
    return not has_arm(street, side) or abs(street.junction_near(x)) > street[ARM] + room


def planted_tree(style: Style, rng: RandomSource, low: float, high: float) -> Rows:
    """Make one of the trees of a style, between two heights."""
    if style.pool:
        return rng.pick(style.pool[rng.chance(style.conifers)])
    height = rng.uniform(low, high)
    if rng.chance(style.conifers):
        return land.conifer(rng, height * 1.2, style.green)
    return land.tree(rng, height, style.green, clear_m=CLEAR_M)


def pieces(builder: Builder, rows: Rows, start: float, t: float, piece: float) -> None:
    """Put copies of a wall or fence in a row along the street."""
    count = int(LENGTH_M / piece)
    for n in range(count):
        builder.put(rows, start + (n + 0.5) * piece, t, lean=True)
