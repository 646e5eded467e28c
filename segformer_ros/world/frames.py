# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From a scene and a camera to image, labels and depth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
import math

import numpy as np
import numpy.typing as npt
from segformer_ros.camera import Intrinsics
from segformer_ros.world.caster import bounds, cast, invert, shadow_map
from segformer_ros.world.compiled import Array, compiled, Number
from segformer_ros.world.dice import Dice, mix
from segformer_ros.world.ground import cast_ground
from segformer_ros.world.light import CLOCK, EXPOSURE, GLOW, HORIZON, SHADOWS, SUN, WET
from segformer_ros.world.scene import Moment, Scene
from segformer_ros.world.sensor import bloom, develop, rain, random_sensor, reflect, Sensor
from segformer_ros.world.shading import shade
from segformer_ros.world.street import STEP
from segformer_ros.world.texture import tiles

CELL_M = 0.25
GRID = (256, 320)
AHEAD_M = 26.0
TABLE_BEHIND_M = 760.0


@dataclass(frozen=True)
class CameraRig:
    """
    A camera on the ego vehicle.

    :param fov_deg: Horizontal field of view.
    :param height_m: Above the ground.
    :param pitch_deg: Positive looks down.
    :param yaw_deg: Positive looks to the left.
    """

    width: int = 512
    height: int = 256
    fov_deg: float = 80.0
    height_m: float = 1.5
    pitch_deg: float = 2.0
    yaw_deg: float = 0.0

    def __post_init__(self) -> None:
        if self.width < 16 or self.height < 16:
            raise ValueError(f'expected at least 16 x 16 pixels, got {self.width} x {self.height}')


@dataclass(frozen=True)
class Pose:
    """Where a camera is in the world (x, y, z up, metres) and where its axes point."""

    position_m: tuple[float, ...] = (0.0, 0.0, 0.0)
    right: tuple[float, ...] = (0.0, -1.0, 0.0)
    down: tuple[float, ...] = (0.0, 0.0, -1.0)
    forward: tuple[float, ...] = (1.0, 0.0, 0.0)


@dataclass(frozen=True)
class Frame:
    """
    One picture with its truth.

    image is (H, W, 3) uint8 RGB; labels is (H, W) uint8 ids of CARLA_0914; depth is (H, W)
    float32 metres along the optical axis, +inf for the sky.
    """

    image: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    depth: npt.NDArray[np.float32]
    intrinsics: Intrinsics
    time_s: float
    pose: Pose = Pose()


def _intrinsics(rig: CameraRig) -> Intrinsics:
    """Give the intrinsics; pixel (0, 0) has its middle at (0, 0), as in OpenCV and ROS."""
    focal = Intrinsics.from_fov(rig.width, rig.height, rig.fov_deg).fx
    middle = 0.5 * (rig.width - 1), 0.5 * (rig.height - 1)
    return Intrinsics(focal, focal, *middle, rig.width, rig.height)


def _camera(
    scene: Scene, rig: CameraRig, time_s: float, origin: npt.NDArray[np.float64], aside: float
) -> npt.NDArray[np.float64]:
    """Give (5, 3): position, right, down, forward of the camera; direction of the vehicle."""
    street = scene.street
    x, t = scene.traffic.ego_place(time_s)
    foot = np.array(street.point(x, t + aside)) - origin
    slope = math.atan(street.grade(x) / street.stretch(x))
    sway = 0.0025 * math.sin(3.1 * time_s + scene.seed % 7) + 0.0015 * math.sin(7.3 * time_s)
    out = np.empty((5, 3))
    out[0] = foot + np.array((0.0, 0.0, rig.height_m + 2.0 * sway))
    for row, extra in ((4, 0.0), (3, math.radians(rig.yaw_deg))):
        yaw = street.yaw(x) + extra
        pitch = slope * math.cos(extra) - (math.radians(rig.pitch_deg) + sway if row == 3 else 0.0)
        flat = math.cos(pitch)
        out[row] = flat * math.cos(yaw), flat * math.sin(yaw), math.sin(pitch)
    out[1] = math.sin(yaw), -math.cos(yaw), 0.0
    out[2] = np.cross(out[3], out[1])
    return out


@compiled
def _contact(spots: Array, x0: Number, y0: Number, cell: Number, out: Array) -> None:
    """Darken the ground below and beside vehicles and people."""
    out[:] = 1.0
    for n in range(spots.shape[0]):
        reach = spots[n, 4] + spots[n, 5] + 0.6
        i0 = max(int((spots[n, 0] - reach - x0) / cell), 0)
        i1 = min(int((spots[n, 0] + reach - x0) / cell) + 1, out.shape[1])
        j0 = max(int((spots[n, 1] - reach - y0) / cell), 0)
        j1 = min(int((spots[n, 1] + reach - y0) / cell) + 1, out.shape[0])
        for j in range(j0, j1):
            for i in range(i0, i1):
                dx = x0 + (i + 0.5) * cell - spots[n, 0]
                dy = y0 + (j + 0.5) * cell - spots[n, 1]
                a = abs(dx * spots[n, 2] + dy * spots[n, 3]) - spots[n, 4]
                b = abs(-dx * spots[n, 3] + dy * spots[n, 2]) - spots[n, 5]
                away = np.sqrt(max(a, 0.0) ** 2 + max(b, 0.0) ** 2)
                if away > 0.0:
                    k = min(0.35 + away * 1.1, 1.0)
                else:
                    k = 0.35 + 0.25 * max(max(a, b) + 0.3, 0.0) - 0.2 * min(-max(a, b), 0.8)
                out[j, i] = min(out[j, i], k)


def _grid(camera: npt.NDArray[np.float64], street_z: float) -> npt.NDArray[np.float64]:
    ahead = camera[3, :2] / np.hypot(camera[3, 0], camera[3, 1])
    middle = camera[0, :2] + AHEAD_M * ahead
    corner = middle - 0.5 * CELL_M * np.array((GRID[1], GRID[0]))
    corner = np.floor(corner / CELL_M) * CELL_M
    return np.array((corner[0], corner[1], street_z, CELL_M))


def _compose(
    scene: Scene,
    rig: CameraRig,
    time_s: float,
    sensor: Sensor,
    *,
    aside: float = 0.0,
    clock_s: float = 0.0,
) -> Frame:
    """Render; clock_s is added to the clock of the signals."""
    moment = scene.at(time_s)
    camera = _camera(scene, rig, time_s, moment.origin, aside)
    intrinsics = _intrinsics(rig)
    light = scene.light(time_s)
    light[CLOCK] += clock_s
    shape = (rig.height, rig.width)
    depth, owner = np.empty(shape, np.float32), np.empty(shape, np.int32)
    glow, labels = np.empty(shape, np.float32), np.empty(shape, np.uint8)
    rgb = np.empty((*shape, 3), np.float32)
    rows, inverse = _look(moment, camera, intrinsics, depth, owner)
    origin = float(moment.origin[0])
    first = round((origin - TABLE_BEHIND_M) / STEP)
    table = scene.street.table(origin, first, int(2.0 * TABLE_BEHIND_M / STEP))
    table[:, 0] -= moment.origin[1]
    table[:, 2] -= moment.origin[2]
    street = scene.street.local(origin)
    course = (table, -TABLE_BEHIND_M, street)
    cast_ground(camera, intrinsics.fx, *course, tiles(), depth, owner)
    grid = _grid(camera, float(camera[0, 2]) - rig.height_m)
    heights = np.full(GRID if light[SHADOWS] else (2, 2), -1.0e9, np.float32)
    if light[SHADOWS]:
        shadow_map(rows, inverse, light[SUN : SUN + 3], grid, heights)
    contact = np.empty(GRID, np.float32)
    _contact(moment.spots, grid[0], grid[1], CELL_M, contact)
    shade(
        rows,
        inverse,
        camera,
        intrinsics.fx,
        *course,
        light,
        moment.lamps,
        grid,
        heights,
        contact,
        tiles(),
        depth,
        owner,
        rgb,
        glow,
        labels,
    )
    image = _develop(
        rgb, glow, light, camera, intrinsics, sensor, mix(scene.seed, round(time_s * 1e4))
    )
    axes = (tuple(row.tolist()) for row in camera[1:4])
    pose = Pose(tuple((camera[0] + moment.origin).tolist()), *axes)
    return Frame(image, labels, depth, intrinsics, time_s, pose)


def _look(
    moment: Moment,
    camera: npt.NDArray[np.float64],
    intrinsics: Intrinsics,
    depth: npt.NDArray[np.float32],
    owner: npt.NDArray[np.int32],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    rows = moment.rows
    inverse = invert(rows)
    width, height = intrinsics.width, intrinsics.height
    box = bounds(rows, camera[:4], intrinsics.fx, width, height)
    seen = np.flatnonzero(box[:, 1] > box[:, 0])
    order = seen[np.argsort(box[seen, 4], kind='stable')]
    cast(rows, inverse, order, box, camera[:4], intrinsics.fx, tiles(), depth, owner)
    return rows, inverse


def _develop(
    rgb: npt.NDArray[np.float32],
    glow: npt.NDArray[np.float32],
    light: npt.NDArray[np.float64],
    camera: npt.NDArray[np.float64],
    intrinsics: Intrinsics,
    sensor: Sensor,
    seed: int,
) -> npt.NDArray[np.uint8]:
    number = seed & 0xFFFFFF
    if light[WET] > 0.0:
        tilt = camera[3, 2] / math.hypot(camera[3, 0], camera[3, 1])
        reflect(rgb, glow, 0.5 * intrinsics.height + tilt * intrinsics.fy, number)
    if light[GLOW] > 1.0:
        bloom(rgb, glow, 0.8)
    if light[WET] > 0.0:
        rain(rgb, float(light[HORIZON : HORIZON + 3].mean()) * 1.3 + 0.05, number)
    image = np.empty(rgb.shape, np.uint8)
    vector = sensor.vector()
    vector[0] *= light[EXPOSURE]
    develop(rgb, vector, sensor.curve(), number, image)
    return image


def render(scene: Scene, rig: CameraRig, time_s: float) -> Frame:
    """
    Render what a camera of the ego vehicle sees.

    The same seed, rig and time give the same pixels, in any order of calls.

    :param time_s: Seconds since the ego vehicle started; may be any number.
    """
    return _compose(scene, rig, time_s, scene.sensor)


def random_frame(seed: int, width: int, height: int) -> Frame:
    """Render one training sample: a random scene, camera and moment."""
    scene = Scene(seed)
    dice = Dice(seed, 0xF2A)
    wide = dice.uniform(50.0, 100.0)
    yaw = dice.uniform(-4.0, 4.0)
    if dice.chance(0.12):
        yaw = dice.uniform(-100.0, 100.0)
    rig = CameraRig(
        width,
        height,
        wide,
        dice.uniform(1.2, 2.2),
        dice.uniform(-4.0, 9.0) * wide / 75.0,
        yaw,
    )
    time_s = dice.uniform(0.0, 300.0)
    if scene.street.junctions(0.0, 400.0) and dice.chance(0.55):
        # Near a junction there is more to learn.
        x = dice.pick(scene.street.junctions(400.0, 2000.0)) - dice.uniform(8.0, 40.0)
        time_s = scene.traffic.ego_passes(x)
    sensor = random_sensor(dice, amount=1.0)
    aside = dice.uniform(-0.5, 0.5)
    clock = dice.uniform(0.0, 24.0)
    return _compose(scene, rig, time_s, sensor, aside=aside, clock_s=clock)


def drive(seed: int, rig: CameraRig, *, rate_hz: float, count: int) -> Iterator[Frame]:
    """
    Render a drive through one scene.

    :param rate_hz: Frames per second of the scene's time.
    :raises ValueError: The rate is not positive.
    """
    if rate_hz <= 0.0:
        raise ValueError(f'rate_hz must be positive, not {rate_hz}')
    scene = Scene(seed)
    for number in range(count):
        yield render(scene, rig, number / rate_hz)
