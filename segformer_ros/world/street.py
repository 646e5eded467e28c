# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The street: its course over land, its cross-section and its junctions."""

from __future__ import annotations

from dataclasses import dataclass, field
import math

import numpy as np
import numpy.typing as npt
from segformer_ros.world.compiled import Array, compiled, inlined, Number, Numbers
from segformer_ros.world.dice import Dice
from segformer_ros.world.texture import noise, tiles

STEP = 2.0
WRAP = 4096.0
PARKING_M = 2.3
FAR = 1.0e6

# Places in the parameter vector of the compiled code.
(
    MEDIAN,
    LANE,
    LANES_RIGHT,
    LANES_LEFT,
    EDGE_RIGHT,
    EDGE_LEFT,
    VERGE,
    SIDEWALK,
    CURB,
    SPACING,
    PHASE,
    ARM,
    ARM_RIGHT,
    ARM_LEFT,
    BANK_RIGHT,
    BANK_LEFT,
    RISE_RIGHT,
    RISE_LEFT,
    HILLS,
    ORIGIN,
    GREEN_MEDIAN,
    DASH,
    DASH_PERIOD,
    DASH_PHASE,
    YELLOW,
    PARKING_RIGHT,
    PARKING_LEFT,
    GUTTER,
    CROSSWALK,
    LINE,
    ASPHALT,
    PATCHES,
    WEAR,
    GRASS,
    TILE,
    PAVING,
    HIGHWAY,
    SOIL,
    GREEN,
    MARKED,
    SHOULDER,
) = (*range(35), 35, 38, 39, 42, 45, 46)
SIZE = 48

Wave = tuple[float, float, float]


def _waves(dice: Dice, count: int, slope: float, lengths: tuple[float, float]) -> tuple[Wave, ...]:
    """Make sines (amplitude, wave number, phase) whose slopes add up to at most `slope`."""
    shares = [dice.uniform(0.3, 1.0) for _ in range(count)]
    out = []
    for share in shares:
        number = 2.0 * math.pi / dice.uniform(*lengths)
        out.append((slope * share / sum(shares) / number, number, dice.uniform(0.0, 6.28)))
    return tuple(out)


def _sum(waves: tuple[Wave, ...], x: float) -> float:
    return sum(a * math.sin(k * x + p) for a, k, p in waves)


def _slope(waves: tuple[Wave, ...], x: float) -> float:
    return sum(a * k * math.cos(k * x + p) for a, k, p in waves)


@dataclass(frozen=True)
class Street:
    """
    A street that goes along x without an end.

    A place on it is (x, t): t metres to the left of the middle line. Traffic keeps to the
    right (t < 0) in the direction of x. All widths are in metres.
    """

    kind: str
    bends: tuple[Wave, ...]
    slopes: tuple[Wave, ...]
    values: npt.NDArray[np.float64] = field(repr=False)

    def __getitem__(self, index: int) -> float:
        return float(self.values[index])

    def middle(self, x: float) -> float:
        """Give y of the middle line."""
        return _sum(self.bends, x)

    def yaw(self, x: float) -> float:
        """Give the direction of the street, in radians."""
        return math.atan(_slope(self.bends, x))

    def grade(self, x: float) -> float:
        """Give the rise of the road, in metres per metre along x."""
        return _slope(self.slopes, x)

    def stretch(self, x: float) -> float:
        """Give how much longer the way is than x."""
        return math.hypot(1.0, _slope(self.bends, x))

    def point(self, x: float, t: float) -> tuple[float, float, float]:
        """Give the world coordinates of a place, on the ground."""
        y = self.middle(x) + t * self.stretch(x)
        rise = profile(x % WRAP, self.junction_near(x), t, self.values, tiles())
        return x, y, _sum(self.slopes, x) + float(rise)

    def edge(self, side: int) -> float:
        """Give the distance of the curb from the middle line; side is -1 right, 1 left."""
        return self[EDGE_LEFT] if side > 0 else self[EDGE_RIGHT]

    def junction_near(self, x: float) -> float:
        """Give x minus that of the nearest junction; FAR when there is none."""
        if self[SPACING] == 0.0:
            return FAR
        return (x - self[PHASE] + 0.5 * self[SPACING]) % self[SPACING] - 0.5 * self[SPACING]

    def junctions(self, first: float, last: float) -> list[float]:
        """Give x of the junctions from first (included) to last."""
        if self[SPACING] == 0.0:
            return []
        low = math.ceil((first - self[PHASE]) / self[SPACING])
        high = math.ceil((last - self[PHASE]) / self[SPACING])
        return [n * self[SPACING] + self[PHASE] for n in range(low, high)]

    def lane_middle(self, direction: int, lane: int) -> float:
        """Give t of the middle of a lane; direction 1 goes along x, lane 0 is the inner one."""
        return -direction * (self[MEDIAN] + self[LANE] * (lane + 0.5))

    def table(self, first: int, count: int) -> npt.NDArray[np.float64]:
        """
        Tabulate the course at every second metre.

        :param first: Number of the first place, at x = first * STEP.
        :returns: (count, 3) y of the middle line, 1 / stretch, height.
        """
        x = np.arange(first, first + count) * STEP
        out = np.empty((count, 3))
        slope = sum(a * k * np.cos(k * x + p) for a, k, p in self.bends)
        out[:, 0] = sum(a * np.sin(k * x + p) for a, k, p in self.bends)
        out[:, 1] = 1.0 / np.hypot(1.0, slope)
        out[:, 2] = sum(a * np.sin(k * x + p) for a, k, p in self.slopes)
        return out

    def local(self, origin: float) -> npt.NDArray[np.float64]:
        """Give the parameter vector for coordinates that start at x = origin."""
        out = self.values.copy()
        out[ORIGIN] = origin % WRAP
        if out[SPACING]:
            out[PHASE] = (out[PHASE] - origin) % out[SPACING]
        out[DASH_PHASE] = origin % out[DASH_PERIOD]
        return out


@inlined
def beside_junction(x: Number, street: Array) -> Number:
    """Give x minus that of the nearest junction, far away when there is none."""
    spacing = street[SPACING]
    if spacing == 0.0:
        return FAR
    q = x - street[PHASE] + 0.5 * spacing
    return q - np.floor(q / spacing) * spacing - 0.5 * spacing


@compiled
def profile(at: Number, beside: Number, t: Number, street: Array, noises: Array) -> Number:
    """
    Give the height of the ground above the middle line of the road.

    :param at: x modulo WRAP.
    :param beside: x minus that of the nearest junction.
    """
    left = t > 0.0
    d = t - street[EDGE_LEFT] if left else -t - street[EDGE_RIGHT]
    if d <= 0.0:
        m = street[MEDIAN] - abs(t)
        if street[GREEN_MEDIAN] != 0.0 and m > 0.0 and abs(beside) > street[ARM] + 4.5:
            return 0.14 * min(m / 0.06, 1.0)
        return 0.0
    arm = street[ARM_LEFT] if left else street[ARM_RIGHT]
    q = abs(beside) - street[ARM] if arm != 0.0 else FAR
    rise = street[CURB] * min(max(min(d, q) / 0.06, 0.0), 1.0)
    d -= street[VERGE] + street[SIDEWALK] + 0.5
    if d <= 0.0:
        return rise
    bank = street[BANK_LEFT] if left else street[BANK_RIGHT]
    top = street[RISE_LEFT] if left else street[RISE_RIGHT]
    share = 0.3 + 1.4 * noise(noises, 0, at * 0.125, 40.0 if left else 90.0)
    d *= min(max((q - 6.0) / 10.0, 0.0), 1.0)
    rise += share * top * (1.0 - np.exp(-d * bank))
    rough = noise(noises, 0, at * 0.5, t * 0.5) - 0.5
    rise += street[GRASS] * rough * min(0.1 * d, 1.0)
    far = min(max((d - 60.0) / 260.0, 0.0), 1.0)
    if far > 0.0:
        hills = noise(noises, 0, at * 0.0625, t * 0.0625 + 30.0)
        rise += street[HILLS] * far * far * (3.0 - 2.0 * far) * max(hills - 0.25, 0.0)
    return rise


@inlined
def road_place(x: Number, y: Number, table: Array, first: Number) -> Numbers:
    """
    Find the place of a point on the street.

    :param first: x of the first row of the table, in the frame of the point.
    :returns: t and the height of the middle line.
    """
    a = min(max((x - first) / STEP, 0.0), table.shape[0] - 1.001)
    i = int(a)
    a -= i
    y0 = table[i, 0] + a * (table[i + 1, 0] - table[i, 0])
    s = table[i, 1] + a * (table[i + 1, 1] - table[i, 1])
    z = table[i, 2] + a * (table[i + 1, 2] - table[i, 2])
    return (y - y0) * s, z


def _highway(dice: Dice, v: npt.NDArray[np.float64]) -> None:
    lanes = dice.integer(2, 4)
    v[[LANES_RIGHT, LANES_LEFT]] = lanes
    v[LANE] = dice.uniform(3.4, 3.8)
    v[MEDIAN] = dice.pick((0.9, 1.5, 3.0, 6.0, 9.0))
    v[GREEN_MEDIAN] = dice.chance(0.5)
    v[GUTTER] = dice.uniform(1.2, 3.2)
    v[HIGHWAY] = 1.0
    for side in (0, 1):
        v[BANK_RIGHT + side] = dice.uniform(0.02, 0.09)
        v[RISE_RIGHT + side] = dice.pick((-4.0, -1.0, 0.5, 4.0, 10.0, 16.0))
    v[HILLS] = dice.pick((0.0, 60.0, 150.0))
    v[GRASS] = dice.uniform(0.5, 2.5)
    v[YELLOW] = dice.chance(0.4)
    v[DASH], v[DASH_PERIOD] = dice.pick(((3.0, 12.0), (6.0, 18.0), (4.0, 12.0)))
    v[SHOULDER] = dice.uniform(0.75, 1.1)


def _town(dice: Dice, v: npt.NDArray[np.float64], kind: str) -> None:
    urban = kind == 'urban'
    lanes = dice.pick((1, 1, 2, 2, 3)) if urban else dice.pick((1, 1, 1, 2))
    v[[LANES_RIGHT, LANES_LEFT]] = lanes
    v[LANE] = dice.uniform(3.0, 3.6)
    if dice.chance(0.25 if lanes > 1 else 0.1):
        v[MEDIAN] = dice.uniform(0.6, 2.5)
        v[GREEN_MEDIAN] = dice.chance(0.7)
    v[GUTTER] = dice.uniform(0.4, 1.7)
    v[PARKING_RIGHT] = PARKING_M if dice.chance(0.55) else 0.0
    v[PARKING_LEFT] = PARKING_M if dice.chance(0.55) else 0.0
    v[VERGE] = dice.uniform(0.8, 2.5) if dice.chance(0.35) else 0.0
    v[SIDEWALK] = dice.uniform(1.6, 4.5 if urban else 2.6)
    v[CURB] = dice.uniform(0.06, 0.16)
    v[SPACING] = dice.uniform(70.0, 150.0)
    v[PHASE] = dice.uniform(0.0, v[SPACING])
    v[ARM] = dice.uniform(3.0, 7.0)
    both = dice.chance(0.6)
    v[ARM_RIGHT] = both or dice.chance(0.5)
    v[ARM_LEFT] = both or not v[ARM_RIGHT]
    for side in (0, 1):
        v[BANK_RIGHT + side] = dice.uniform(0.03, 0.12)
        v[RISE_RIGHT + side] = 0.0 if urban else dice.uniform(-1.0, 2.0)
    v[HILLS] = 0.0 if urban else dice.pick((0.0, 50.0))
    v[GRASS] = 0.15 if urban else 0.5
    v[YELLOW] = dice.chance(0.5)
    v[DASH], v[DASH_PERIOD] = dice.pick(((3.0, 9.0), (3.0, 6.0), (1.5, 4.5)))
    v[CROSSWALK] = dice.pick((0.0, 1.0, 1.0, 2.0))
    v[SHOULDER] = 1.0


def _rural(dice: Dice, v: npt.NDArray[np.float64]) -> None:
    v[[LANES_RIGHT, LANES_LEFT]] = 1
    v[LANE] = dice.uniform(2.9, 3.6)
    v[GUTTER] = dice.uniform(0.2, 1.0)
    for side in (0, 1):
        v[BANK_RIGHT + side] = dice.uniform(0.03, 0.15)
        v[RISE_RIGHT + side] = dice.pick((-2.0, 0.0, 1.0, 4.0, 8.0))
    v[HILLS] = dice.pick((0.0, 50.0, 120.0))
    v[GRASS] = dice.uniform(0.3, 1.5)
    v[YELLOW] = dice.chance(0.4)
    v[DASH], v[DASH_PERIOD] = dice.pick(((3.0, 9.0), (3.0, 12.0)))
    v[SHOULDER] = 1.0


def make_street(dice: Dice, kind: str) -> Street:
    """Make a street; kind is highway, urban, suburban or rural."""
    v = np.zeros(SIZE)
    if kind == 'highway':
        _highway(dice, v)
    elif kind == 'rural':
        _rural(dice, v)
    else:
        _town(dice, v, kind)
    v[EDGE_RIGHT] = v[MEDIAN] + v[LANES_RIGHT] * v[LANE] + v[GUTTER] + v[PARKING_RIGHT]
    v[EDGE_LEFT] = v[MEDIAN] + v[LANES_LEFT] * v[LANE] + v[GUTTER] + v[PARKING_LEFT]
    v[LINE] = dice.uniform(0.06, 0.09)
    v[MARKED] = dice.chance(0.9)
    v[ASPHALT] = dice.uniform(0.05, 0.32)
    v[PATCHES] = dice.uniform(0.0, 0.35)
    v[WEAR] = dice.uniform(0.0, 0.5)
    v[TILE] = dice.pick((0.5, 0.8, 1.2, 1.6, 3.0))
    gray = dice.uniform(0.25, 0.55)
    v[PAVING : PAVING + 3] = dice.vary(dice.pick(((1, 1, 1), (1, 0.9, 0.78), (1, 0.8, 0.7))), 0.1)
    v[PAVING : PAVING + 3] *= gray
    v[SOIL : SOIL + 3] = dice.vary(
        dice.pick(((0.42, 0.33, 0.19), (0.5, 0.4, 0.24), (0.25, 0.18, 0.11), (0.3, 0.26, 0.12))),
        0.2,
    )
    v[GREEN : GREEN + 3] = dice.vary(
        dice.pick(((0.12, 0.2, 0.05), (0.2, 0.25, 0.08), (0.4, 0.33, 0.16), (0.08, 0.16, 0.04))),
        0.2,
    )
    turn, length = {
        'highway': (0.12, (700.0, 2000.0)),
        'urban': (0.16, (300.0, 900.0)),
        'suburban': (0.28, (250.0, 700.0)),
        'rural': (0.40, (220.0, 600.0)),
    }[kind]
    bends = _waves(dice, 3, turn * dice.uniform(0.1, 1.0), length)
    climb = {'highway': 0.045, 'urban': 0.06, 'suburban': 0.08, 'rural': 0.10}[kind]
    slopes = _waves(dice, 3, climb * dice.uniform(0.1, 1.0), (length[0] * 0.7, length[1]))
    return Street(kind, bends, slopes, v)
