# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The street: its course over land, its cross-section and its junctions."""

from __future__ import annotations

from dataclasses import dataclass, field
import functools
import math

import numpy as np
import numpy.typing as npt
from segformer_ros.world.compiled import Array, compiled, inlined, Number, Numbers
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
    CRACKS,
    SEAMS,
    CALM,
    STONES,
    TUFTS,
) = (*range(35), 35, 38, 39, 42, 45, 46, 47, 48, 49, 50, 51)
SIZE = 52

Wave = tuple[float, float, float]


def _sum(waves: tuple[Wave, ...], x: float) -> float:
    # Not sum(), whose last bits are others from Python 3.12 on.
    total = 0.0
    for a, k, p in waves:
        total += a * math.sin(k * x + p)
    return total


def _slope(waves: tuple[Wave, ...], x: float) -> float:
    total = 0.0
    for a, k, p in waves:
        total += a * k * math.cos(k * x + p)
    return total


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

    @functools.cached_property
    def _numbers(self) -> list[float]:
        found: list[float] = self.values.tolist()
        return found

    def __getitem__(self, index: int) -> float:
        return self._numbers[index]

    def middle(self, x: float) -> float:
        """Return y of the middle line."""
        return _sum(self.bends, x)

    def yaw(self, x: float) -> float:
        """Return the direction of the street, in radians."""
        return math.atan(_slope(self.bends, x))

    def grade(self, x: float) -> float:
        """Return the rise of the road, in metres per metre along x."""
        return _slope(self.slopes, x)

    def stretch(self, x: float) -> float:
        """Return how much longer the way is than x."""
        return math.hypot(1.0, _slope(self.bends, x))

    def point(self, x: float, t: float) -> tuple[float, float, float]:
        """Return the world coordinates of a place, on the ground."""
        y = self.middle(x) + t * self.stretch(x)
        rise = profile(x % WRAP, self.junction_near(x), t, self.values, tiles())
        return x, y, _sum(self.slopes, x) + float(rise)

    def edge(self, side: int) -> float:
        """Return the distance of the curb from the middle line; side is -1 right, 1 left."""
        return self[EDGE_LEFT] if side > 0 else self[EDGE_RIGHT]

    def junction_near(self, x: float) -> float:
        """Return x minus that of the nearest junction; FAR when there is none."""
        if self[SPACING] == 0.0:
            return FAR
        return (x - self[PHASE] + 0.5 * self[SPACING]) % self[SPACING] - 0.5 * self[SPACING]

    def junctions(self, first: float, last: float) -> list[float]:
        """Return x of the junctions from first (included) to last."""
        if self[SPACING] == 0.0:
            return []
        low = math.ceil((first - self[PHASE]) / self[SPACING])
        high = math.ceil((last - self[PHASE]) / self[SPACING])
        return [n * self[SPACING] + self[PHASE] for n in range(low, high)]

    def lane_middle(self, direction: int, lane: int) -> float:
        """Return t of the middle of a lane; direction 1 goes along x, lane 0 is the inner one."""
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
        """Return the parameter vector for coordinates that start at x = origin."""
        out = self.values.copy()
        out[ORIGIN] = origin % WRAP
        if out[SPACING]:
            out[PHASE] = (out[PHASE] - origin) % out[SPACING]
        out[DASH_PHASE] = origin % out[DASH_PERIOD]
        return out


@inlined
def beside_junction(x: Number, street: Array) -> Number:
    """Return x minus that of the nearest junction, far away when there is none."""
    spacing = street[SPACING]
    if spacing == 0.0:
        return FAR
    q = x - street[PHASE] + 0.5 * spacing
    return q - np.floor(q / spacing) * spacing - 0.5 * spacing


@compiled
def profile(at: Number, beside: Number, t: Number, street: Array, noises: Array) -> Number:
    """
    Return the height of the ground above the middle line of the road.

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
