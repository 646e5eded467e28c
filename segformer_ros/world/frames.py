# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From a scene and a camera to image, labels and depth."""

from __future__ import annotations

from collections.abc import Iterator
import math

import numpy as np
import numpy.typing as npt
from segformer_ros.camera import Intrinsics
from segformer_ros.world.caster import bounds, cast
from segformer_ros.world.dice import Dice, mix
from segformer_ros.world.ground import cast_ground, Land
from segformer_ros.world.light import CLOCK, EXPOSURE, GLOW, HORIZON, SHADOWS, Shining, SUN, WET
from segformer_ros.world.primitives import Rows
from segformer_ros.world.rig import camera_of, CameraRig, Frame, intrinsics_of, Pose
from segformer_ros.world.scene import Moment, Scene
from segformer_ros.world.sensor import bloom, develop, rain, random_sensor, reflect, Sensor
from segformer_ros.world.shading import shade
from segformer_ros.world.shadows import contact_map, shadow_map
from segformer_ros.world.shapes import invert
from segformer_ros.world.street import STEP
from segformer_ros.world.texture import tiles

CELL_M = 0.25
GRID = (256, 320)
AHEAD_M = 26.0
TABLE_BEHIND_M = 760.0


def _land(scene: Scene, origin: npt.NDArray[np.float64]) -> Land:
    first = round((float(origin[0]) - TABLE_BEHIND_M) / STEP)
    table = scene.street.table(first, int(2.0 * TABLE_BEHIND_M / STEP))
    table[:, 0] -= origin[1]
    table[:, 2] -= origin[2]
    return Land(table, -TABLE_BEHIND_M, scene.street.local(float(origin[0])), tiles())


def _shining(
    moment: Moment,
    inverse: npt.NDArray[np.float64],
    light: npt.NDArray[np.float64],
    camera: npt.NDArray[np.float64],
    ground_z: float,
) -> Shining:
    ahead = camera[3, :2] / np.hypot(camera[3, 0], camera[3, 1])
    corner = camera[0, :2] + AHEAD_M * ahead - 0.5 * CELL_M * np.array((GRID[1], GRID[0]))
    corner = np.floor(corner / CELL_M) * CELL_M
    grid = np.array((corner[0], corner[1], ground_z, CELL_M))
    heights = np.empty(GRID if light[SHADOWS] else (2, 2), np.float32)
    if light[SHADOWS]:
        shadow_map(moment.rows, inverse, light[SUN : SUN + 3], grid, heights)
    contact = np.empty(GRID, np.float32)
    contact_map(moment.spots, grid, contact)
    return Shining(light, moment.lamps, grid, heights, contact)


def _cast(
    rows: Rows,
    inverse: npt.NDArray[np.float64],
    camera: npt.NDArray[np.float64],
    intrinsics: Intrinsics,
    land: Land,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]:
    """Give depth and owner of every pixel."""
    shape = (intrinsics.height, intrinsics.width)
    depth, owner = np.empty(shape, np.float32), np.empty(shape, np.int32)
    box = bounds(rows, camera[:4], intrinsics.fx, intrinsics.width, intrinsics.height)
    seen = np.flatnonzero(box[:, 1] > box[:, 0])
    order = seen[np.argsort(box[seen, 4], kind='stable')]
    cast(rows, inverse, order, box, camera[:4], intrinsics.fx, land.noises, depth, owner)
    cast_ground(camera, intrinsics.fx, land, depth, owner)
    return depth, owner


def _compose(
    scene: Scene,
    rig: CameraRig,
    time_s: float,
    sensor: Sensor,
    *,
    aside: float = 0.0,
    clock_s: float = 0.0,
) -> Frame:
    """
    Render.

    :param aside: How far the vehicle is left of the middle of its lane, in metres.
    :param clock_s: Is added to the clock of the signals.
    """
    moment = scene.at(time_s)
    camera = camera_of(scene, rig, time_s, moment.origin, aside)
    intrinsics = intrinsics_of(rig)
    light = scene.light(time_s)
    light[CLOCK] += clock_s
    land = _land(scene, moment.origin)
    inverse = invert(moment.rows)
    depth, owner = _cast(moment.rows, inverse, camera, intrinsics, land)
    shining = _shining(moment, inverse, light, camera, float(camera[0, 2]) - rig.height_m)
    rgb, glow = np.empty((*depth.shape, 3), np.float32), np.empty(depth.shape, np.float32)
    labels = np.empty(depth.shape, np.uint8)
    fx = intrinsics.fx
    shade(moment.rows, inverse, camera, fx, land, shining, depth, owner, rgb, glow, labels)
    seed = mix(scene.seed, round(time_s * 1e4))
    image = _develop(rgb, glow, light, camera, intrinsics, sensor, seed)
    axes = (tuple(row.tolist()) for row in camera[1:4])
    pose = Pose(tuple((camera[0] + moment.origin).tolist()), *axes)
    return Frame(image, labels, depth, intrinsics, time_s, pose)


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
        width, height, wide, dice.uniform(1.2, 2.2), dice.uniform(-4.0, 9.0) * wide / 75.0, yaw
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
