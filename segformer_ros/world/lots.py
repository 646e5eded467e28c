# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Stretches of the street with all that stands still beside it."""

from __future__ import annotations

from dataclasses import dataclass
import math

import numpy as np
import numpy.typing as npt
from segformer_ros.world import furniture, land, people, vehicles
from segformer_ros.world.dice import Dice, mix
from segformer_ros.world.primitives import place, Rows
from segformer_ros.world.street import (
    ARM,
    ARM_LEFT,
    ARM_RIGHT,
    GREEN_MEDIAN,
    LANE,
    LANES_LEFT,
    LANES_RIGHT,
    MEDIAN,
    PARKING_LEFT,
    PARKING_M,
    PARKING_RIGHT,
    SIDEWALK,
    Street,
    VERGE,
    WRAP,
)

LENGTH_M = 48.0
BAY_M = 6.0
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

    def __init__(self, street: Street, origin: tuple[float, float, float]) -> None:
        self.street = street
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
    """What a scene has beside its street."""

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


def make_style(dice: Dice, kind: str) -> Style:
    """Choose a style for a kind of street."""
    return Style(
        green=dice.vary(dice.pick(land.GREENS), 0.3),
        trees=dice.uniform(0.2, 1.0),
        conifers=dice.pick((0.0, 0.1, 0.5)),
        lamps=0.0 if dice.chance(0.15 if kind == 'urban' else 0.5) else dice.uniform(20.0, 36.0),
        parked=dice.uniform(0.3, 0.95),
        props=dice.uniform(0.1, 0.5),
        signs=dice.uniform(0.2, 0.6),
        people=dice.uniform(0.1, 1.0),
        barrier=dice.pick(('wall', 'wall', 'rail', 'hedge', 'none')),
        border=(
            dice.pick(('rail', 'fence', 'wall', 'noise', 'none', 'none')),
            dice.pick(('rail', 'fence', 'wall', 'noise', 'none', 'none')),
        ),
        signals=dice.chance(0.75),
        height=dice.uniform(6.0, 22.0),
        pole_line=dice.pick((-1, 0, 0, 1)),
    )


def build_lot(street: Street, style: Style, seed: int, index: int) -> Lot:
    """Build the stretch from x = index * LENGTH_M on."""
    start = index * LENGTH_M
    dice = Dice(seed, 0x107, index)
    x0, y0, z0 = start, street.middle(start), street.point(start, 0.0)[2]
    builder = Builder(street, (x0, y0, z0))
    if street.kind == 'highway':
        _highway(builder, style, dice, start)
    else:
        for side in (-1, 1):
            if street.kind == 'rural':
                _country_side(builder, style, dice, start, side)
            else:
                _town_side(builder, style, dice, start, side)
                _parked(builder, style, dice, start, side)
        for x in street.junctions(start, start + LENGTH_M):
            _junction(builder, style, dice, x, seed)
        if street[MEDIAN] > 0.5 and street[GREEN_MEDIAN]:
            _median(builder, style, dice, start)
    return builder.finish()


def has_arm(street: Street, side: int) -> bool:
    """Say whether side streets leave on a side."""
    return street[ARM_LEFT if side > 0 else ARM_RIGHT] != 0.0


def clear_of_arm(street: Street, x: float, side: int, room: float) -> bool:
    """Say whether a place is at least `room` metres beside the side streets."""
    return not has_arm(street, side) or abs(street.junction_near(x)) > street[ARM] + room


def _tree(style: Style, dice: Dice, low: float, high: float) -> Rows:
    height = dice.uniform(low, high)
    if dice.chance(style.conifers):
        return land.conifer(dice, height * 1.2, style.green)
    return land.tree(dice, height, style.green, clear_m=CLEAR_M)


def _pieces(builder: Builder, rows: Rows, start: float, t: float, piece: float) -> None:
    """Put copies of a wall or fence in a row along the street."""
    count = int(LENGTH_M / piece)
    for n in range(count):
        builder.put(rows, start + (n + 0.5) * piece, t, lean=True)


def _highway(builder: Builder, style: Style, dice: Dice, start: float) -> None:
    street = builder.street
    if style.barrier != 'none':
        half = 6.05
        if style.barrier == 'hedge' and street[MEDIAN] > 1.4:
            _pieces(builder, land.hedge(dice, half, style.green), start, 0.0, 12.0)
        elif style.barrier == 'rail':
            rail = furniture.fence(dice, half, rail=True)
            for t in (-1.0, 1.0) if street[MEDIAN] > 1.4 else (0.0,):
                _pieces(builder, rail, start, t * (street[MEDIAN] - 0.7), 12.0)
        else:
            _pieces(builder, furniture.wall(dice, half, barrier=True), start, 0.0, 12.0)
    for side in (-1, 1):
        edge = street.edge(side)
        kind = style.border[side > 0]
        # One look per scene: the dice of a border do not depend on the stretch.
        same = Dice(int(edge * 1000.0), side + 5)
        if kind == 'rail':
            _pieces(
                builder, furniture.fence(same, 6.05, rail=True), start, side * (edge + 0.6), 12
            )
        elif kind == 'fence':
            t = side * (edge + 5.0)
            _pieces(builder, furniture.fence(same, 6.05), start, t, 12.0)
        elif kind == 'wall':
            t = side * (edge + 0.5)
            _pieces(builder, furniture.wall(same, 6.05, barrier=True), start, t, 12.0)
        elif kind == 'noise' and int(start / 240.0) % 2 == 0:
            rows = furniture.wall(same, 6.05)
            _pieces(builder, rows, start, side * (edge + 3.0), 12.0)
        _wild(builder, style, dice, start, side, edge + (6.5 if kind == 'fence' else 4.5))
        if dice.chance(0.5):
            turn = math.pi if side < 0 else 0.0
            x = start + dice.uniform(2.0, 46.0)
            builder.put(furniture.traffic_sign(dice), x, side * (edge + 1.7), turn)
        if style.lamps:
            height = 9.5
            x = start + 20.0
            lamp = furniture.street_lamp(Dice(int(edge * 1000.0)), height, 2.0)
            builder.put(lamp, x, side * (edge + 1.3), 0.0 if side < 0 else math.pi)
            builder.light(x, side * (edge - 0.7), height - 0.2)
        if dice.chance(style.props * 0.5):
            for _ in range(3):
                x = start + dice.uniform(0.0, 46.0)
                builder.put(furniture.prop(dice, (3, 4, 7)), x, side * (edge - 0.4))
    if dice.chance(0.17):
        rows = furniture.gantry(dice, 0.0, street.edge(-1) + 1.2)
        builder.put(rows, start + 24.0, 0.0, math.pi)


def _wild(
    builder: Builder, style: Style, dice: Dice, start: float, side: int, first: float
) -> None:
    """Plant the land beside a road outside the town."""
    street = builder.street
    for _ in range(int(2 + 22 * style.trees * style.trees)):
        x = start + dice.uniform(0.0, LENGTH_M)
        far = first + 2.0 + 60.0 * dice.uniform(0.0, 1.0) ** 1.6
        if dice.chance(0.65):
            builder.put(_tree(style, dice, 5.0, 13.0), x, side * far)
        else:
            builder.put(land.bush(dice, style.green), x, side * (far - 1.5))
    if dice.chance(0.22):
        x = start + 24.0
        far = first + dice.uniform(25.0, 60.0)
        turn = dice.uniform(-0.4, 0.4) + (0.0 if side > 0 else math.pi)
        make = land.shed if dice.chance(0.5) else land.house
        builder.put(make(dice, dice.uniform(6.0, 14.0), 6.0), x, side * far, turn)
    if style.pole_line == side:
        pole = furniture.utility_pole(Dice(int(street.edge(1) * 1000.0), 3))
        builder.put(pole, start + 10.0, side * (first + 3.0))


def _country_side(builder: Builder, style: Style, dice: Dice, start: float, side: int) -> None:
    street = builder.street
    edge = street.edge(side)
    kind = style.border[side > 0]
    same = Dice(int(edge * 1000.0), side + 5)
    if kind == 'rail':
        _pieces(builder, furniture.fence(same, 6.05, rail=True), start, side * (edge + 0.8), 12.0)
    elif kind == 'fence':
        _pieces(builder, furniture.fence(same, 6.05), start, side * (edge + 2.5), 12.0)
    elif kind == 'wall':
        _pieces(builder, furniture.wall(same, 6.05), start, side * (edge + 1.5), 12.0)
    elif kind == 'noise':
        _pieces(builder, land.hedge(same, 6.05, style.green), start, side * (edge + 1.8), 12.0)
    _wild(builder, style, dice, start, side, edge + 3.0)
    if dice.chance(0.6):
        turn = math.pi if side < 0 else 0.0
        x = start + dice.uniform(2.0, 46.0)
        builder.put(furniture.traffic_sign(dice), x, side * (edge + 1.1), turn)
    if dice.chance(0.35):
        x = start + dice.uniform(6.0, 42.0)
        builder.put(furniture.prop(dice), x, side * (edge + 1.2), 0.0 if side > 0 else math.pi)
    if dice.chance(0.25):
        x = start + dice.uniform(6.0, 42.0)
        builder.put(people.person(dice, 0.5), x, side * (edge + 0.6), dice.uniform(0.0, 6.28))


def _town_side(builder: Builder, style: Style, dice: Dice, start: float, side: int) -> None:
    street = builder.street
    inner = street.edge(side) + street[VERGE]
    back = inner + street[SIDEWALK]
    front = 0.0 if side > 0 else math.pi
    x = start
    while x < start + LENGTH_M - 3.0:
        width = min(dice.uniform(9.0, 20.0), start + LENGTH_M - x)
        middle, half = x + 0.5 * width, 0.5 * width
        x += width
        if not clear_of_arm(street, middle, side, half + street[SIDEWALK] + street[VERGE]):
            continue
        if street.kind == 'urban':
            _city_lot(builder, style, dice, middle, half, side, back, front)
        else:
            _garden_lot(builder, style, dice, middle, half, side, back, front)
    _curbside(builder, style, dice, start, side)


def _city_lot(
    builder: Builder,
    style: Style,
    dice: Dice,
    x: float,
    half: float,
    side: int,
    back: float,
    front: float,
) -> None:
    kind = dice.uniform(0.0, 1.0)
    if kind < 0.78:
        depth = dice.uniform(4.0, 7.0)
        height = style.height * dice.uniform(0.6, 1.4)
        setback = 0.1 if dice.chance(0.7) else dice.uniform(0.5, 5.0)
        rows = land.block(dice, half - 0.02, depth, height)
        builder.put(rows, x, side * (back + setback + depth), front)
        return
    if kind < 0.9:
        make = furniture.wall if dice.chance(0.5) else furniture.fence
        builder.put(make(dice, half), x, side * (back + 0.3), lean=True)
    for _ in range(dice.integer(2, 4)):
        at = x + dice.uniform(-half, half)
        builder.put(_tree(style, dice, 5.0, 11.0), at, side * (back + dice.uniform(2.5, 14.0)))
    rows = land.block(dice, half + 2.0, 5.0, style.height * dice.uniform(0.6, 1.4))
    builder.put(rows, x, side * (back + 26.0), front)


def _garden_lot(
    builder: Builder,
    style: Style,
    dice: Dice,
    x: float,
    half: float,
    side: int,
    back: float,
    front: float,
) -> None:
    border = dice.uniform(0.0, 1.0)
    place_t = side * (back + 0.5)
    if border < 0.22:
        builder.put(furniture.fence(dice, half - 0.3), x, place_t, lean=True)
    elif border < 0.42:
        builder.put(furniture.wall(dice, half - 0.3), x, place_t, lean=True)
    elif border < 0.6:
        builder.put(land.hedge(dice, half - 0.3, style.green), x, place_t, lean=True)
    setback = dice.uniform(4.0, 10.0)
    if dice.chance(0.82):
        depth = dice.uniform(4.0, 5.5)
        rows = land.house(dice, min(half - 1.0, dice.uniform(4.5, 8.0)), depth)
        builder.put(rows, x, side * (back + setback + depth), front)
    for _ in range(int(1 + 3 * style.trees)):
        at = x + dice.uniform(-half, half)
        far = dice.pick((1.8, 2.5, 3.0, 18.0, 22.0, 26.0))
        builder.put(_tree(style, dice, 4.0, 10.0), at, side * (back + far))
    if dice.chance(0.5):
        builder.put(land.bush(dice, style.green), x, side * (back + dice.uniform(1.5, 4.0)))
    if dice.chance(0.25):
        at = x + dice.sign() * (half - 1.5)
        builder.put_vehicle(vehicles.car(dice), at, side * (back + 4.5), math.pi / 2 * side)


def _curbside(builder: Builder, style: Style, dice: Dice, start: float, side: int) -> None:
    """Put lamps, signs, trees, bins, people along the curb."""
    street = builder.street
    edge = street.edge(side)
    front = 0.0 if side > 0 else math.pi
    facing = math.pi if side < 0 else 0.0
    t = side * (edge + (0.5 if street[VERGE] == 0.0 else 0.5 * street[VERGE]))
    x = start + dice.uniform(0.0, 5.0)
    while x < start + LENGTH_M:
        if clear_of_arm(street, x, side, 2.0):
            kind = dice.uniform(0.0, 1.0)
            if kind < 0.16 + 0.22 * style.signs:
                builder.put(furniture.traffic_sign(dice), x, t, facing)
            elif kind < 0.36 + 0.3 * style.trees and street[SIDEWALK] > 1.8:
                tree = land.tree(dice, dice.uniform(5.0, 9.0), style.green, clear_m=CLEAR_M)
                builder.put(tree, x, t)
            elif kind < 0.66 + 0.2 * style.props:
                builder.put(furniture.prop(dice), x, t, front)
            elif kind < 0.88:
                for n in range(dice.integer(1, 4)):
                    builder.put(furniture.bollard(Dice(int(edge * 999.0))), x + 1.5 * n, t)
            elif kind < 0.95:
                builder.put(vehicles.two_wheeler_rack(dice), x, t, math.pi / 2)
            else:
                t_person = side * (edge + street[VERGE] + 0.7 * street[SIDEWALK])
                builder.put(people.person(dice, 0.0), x, t_person, dice.uniform(0.0, 6.28))
        x += dice.uniform(4.0, 11.0)
    if style.lamps:
        gap = LENGTH_M / 2.0
        for n in range(2):
            x = start + (n + 0.25 + (0.25 if side > 0 else 0.0)) * gap
            if clear_of_arm(street, x, side, 1.0):
                height = 7.0
                lamp = furniture.street_lamp(Dice(int(edge * 1000.0)), height, 1.6)
                builder.put(lamp, x, side * (edge + 0.4), math.pi if side > 0 else 0.0)
                builder.light(x, side * (edge - 1.2), height - 0.2)


def _parked(builder: Builder, style: Style, dice: Dice, start: float, side: int) -> None:
    street = builder.street
    if street[PARKING_LEFT if side > 0 else PARKING_RIGHT] == 0.0:
        return
    t = side * (street.edge(side) - 0.5 * PARKING_M)
    n = math.ceil((start % WRAP) / BAY_M)
    while n * BAY_M < start % WRAP + LENGTH_M:
        x = n * BAY_M + start - start % WRAP
        n += 1
        if abs(street.junction_near(x)) < street[ARM] + 9.0 or not dice.chance(style.parked):
            continue
        turn = (0.0 if side < 0 else math.pi) + dice.uniform(-0.03, 0.03)
        if dice.chance(0.12):
            rack = vehicles.two_wheeler_rack(dice)
            builder.put(rack, x, t, math.pi / 2 + 0.2)
            continue
        at = x + dice.uniform(-0.3, 0.3)
        builder.put_vehicle(vehicles.car(dice), at, t + dice.uniform(-0.12, 0.12), turn)


def _median(builder: Builder, style: Style, dice: Dice, start: float) -> None:
    street = builder.street
    x = start + dice.uniform(0.0, 8.0)
    while x < start + LENGTH_M:
        if abs(street.junction_near(x)) > street[ARM] + 7.0:
            if dice.chance(0.5):
                builder.put(land.bush(dice, style.green, 0.4 * street[MEDIAN]), x, 0.0)
            elif street[MEDIAN] > 1.0:
                tree = land.tree(dice, dice.uniform(5.0, 8.0), style.green, clear_m=CLEAR_M)
                builder.put(tree, x, 0.0)
        x += dice.uniform(6.0, 12.0)


def signal_phase(seed: int, x: float) -> float:
    """Give the phase of the lights of the junction at x, in seconds."""
    return float(mix(seed, 0x519, round(x)) % 2400) / 100.0


def _junction(builder: Builder, style: Style, dice: Dice, x: float, seed: int) -> None:
    """Put signals or signs on the corners, and houses and waiting cars along the arms."""
    street = builder.street
    arm = street[ARM]
    phase = signal_phase(seed, x)
    for side in (-1, 1):
        edge = street.edge(side)
        lanes = street[LANES_LEFT if side > 0 else LANES_RIGHT]
        # Right of the traffic that arrives: before the junction for t < 0.
        at = x + side * (arm + 4.3)
        turn = math.pi if side < 0 else 0.0
        if style.signals:
            reach = edge - street[MEDIAN] - street[LANE] * 0.5 if dice.chance(0.5) else 0.0
            reach = min(reach, 7.5) if lanes > 1 or dice.chance(0.4) else 0.0
            builder.put(furniture.signal(dice, phase, -reach), at, side * (edge + 0.6), turn)
            if dice.chance(0.6):
                far = x - side * (arm + 1.0)
                rows = furniture.signal(dice, phase, 0.0)
                builder.put(rows, far, side * (edge + 0.7), turn)
            if has_arm(street, side):
                rows = furniture.signal(dice, phase + 12.0, 0.0)
                t = side * (edge + 4.5)
                builder.put(rows, x - side * (arm + 0.7), t, math.pi / 2 * side)
        else:
            builder.put(furniture.traffic_sign(dice), at, side * (edge + 0.6), turn)
        for _ in range(2):
            if dice.chance(style.people):
                rows = people.person(dice, 0.0)
                spot = x + dice.sign() * (arm + dice.uniform(1.0, 4.0))
                builder.put(rows, spot, side * (edge + 0.9), dice.uniform(0.0, 6.28))
        if has_arm(street, side):
            _arm(builder, style, dice, x, side)


def _arm(builder: Builder, style: Style, dice: Dice, x: float, side: int) -> None:
    street = builder.street
    arm, edge = street[ARM], street.edge(side)
    room = arm + street[VERGE] + street[SIDEWALK] + 0.3
    for end in (-1, 1):
        for n in range(3):
            t = side * (edge + street[SIDEWALK] + street[VERGE] + 22.0 + 16.0 * n)
            # The fronts look at the arm: along x, away from the row's side.
            turn = -math.pi / 2 * end
            if street.kind == 'urban':
                height = style.height * dice.uniform(0.6, 1.4)
                builder.put(land.block(dice, 7.9, 5.0, height), x + end * (room + 5.0), t, turn)
            elif n != 1:
                builder.put(land.house(dice, 6.0, 4.5), x + end * (room + 9.0), t, turn)
            else:
                builder.put(_tree(style, dice, 5.0, 9.0), x + end * (room + 3.0), t)
        if dice.chance(style.parked):
            t = side * (edge + dice.uniform(12.0, 40.0))
            turn = math.pi / 2 * end
            car = vehicles.car(dice)
            if arm > 5.0:
                builder.put_vehicle(car, x + end * (arm - 1.1), t, turn)
    rows = land.block(dice, 16.0, 5.0, style.height * dice.uniform(0.7, 1.4))
    builder.put(rows, x, side * (edge + 95.0), 0.0 if side > 0 else math.pi)
