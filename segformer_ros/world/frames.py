# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From a scene and a camera to image, labels and depth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
import math

import numpy as np
import numpy.typing as npt
from segformer_ros.camera import Intrinsics
from segformer_ros.world.caster import bounds, cast
from segformer_ros.world.classes import SKY
from segformer_ros.world.ground import cast_ground, Land
from segformer_ros.world.lens_faults import (
    add_to_image,
    add_to_light,
    Faults,
    NO_FAULTS,
    random_faults,
)
from segformer_ros.world.light import (
    CLOCK,
    EXPOSURE,
    GLOW,
    HORIZON,
    SHADOWS,
    Shining,
    SUN,
    SUN_COLOR,
    WET,
)
from segformer_ros.world.mounting import bonnet, road_rig
from segformer_ros.world.primitives import Rows
from segformer_ros.world.random_source import mix, RandomSource
from segformer_ros.world.rig import camera_of, CameraRig, Frame, intrinsics_of, Pose
from segformer_ros.world.scene import Moment, Scene
from segformer_ros.world.sensor import bloom, develop, rain, random_sensor, reflect, Sensor
from segformer_ros.world.shading import shade
from segformer_ros.world.shadows import contact_map, shadow_map
from segformer_ros.world.shapes import invert
from segformer_ros.world.street import STEP
from segformer_ros.world.texture import tiles
from segformer_ros.world.traffic import SEEN_BEHIND_M

CELL_M = 0.25
GRID = (256, 320)
AHEAD_M = 26.0
TABLE_BEHIND_M = 760.0


@dataclass(frozen=True)
class Shot:
    """
    What is special about one frame.

    :param aside: How far the vehicle is left of the middle of its lane, in metres.
    :param clock_s: Is added to the clock of the signals.
    :param cell_m: Size of the cells of the shadows: small ones are hard, large ones soft.
    :param contact: Power of the shade below vehicles.
    :param bonnet: Makes the bonnet of the ego vehicle; None for none.
    :param faults: Of the camera.
    :param behind_m: How much of what stands behind the ego vehicle, which casts shadows.
    """

    aside: float = 0.0
    clock_s: float = 0.0
    cell_m: float = CELL_M
    contact: float = 1.0
    bonnet: RandomSource | None = None
    faults: Faults = NO_FAULTS
    behind_m: float = SEEN_BEHIND_M


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
    shot: Shot,
) -> Shining:
    cell = shot.cell_m
    ahead = camera[3, :2] / np.hypot(camera[3, 0], camera[3, 1])
    reach = AHEAD_M * cell / CELL_M
    corner = camera[0, :2] + reach * ahead - 0.5 * cell * np.array((GRID[1], GRID[0]))
    corner = np.floor(corner / cell) * cell
    grid = np.array((corner[0], corner[1], ground_z, cell))
    heights = np.empty(GRID if light[SHADOWS] else (2, 2), np.float32)
    if light[SHADOWS]:
        shadow_map(moment.rows, inverse, light[SUN : SUN + 3], grid, heights)
    contact = np.empty(GRID, np.float32)
    contact_map(moment.spots, grid, contact)
    if shot.contact != 1.0:
        contact **= np.float32(shot.contact)
    return Shining(light, moment.lamps, grid, heights, contact)


def _cast(
    rows: Rows,
    inverse: npt.NDArray[np.float64],
    camera: npt.NDArray[np.float64],
    intrinsics: Intrinsics,
    land: Land,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]:
    """Return depth and owner of every pixel."""
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
    shot: Shot | None = None,
) -> Frame:
    """Render."""
    shot = shot or Shot()
    moment = scene.at(time_s, shot.behind_m)
    camera = camera_of(scene, rig, time_s, moment.origin, shot.aside)
    intrinsics = intrinsics_of(rig)
    if shot.bonnet is not None:
        own = bonnet(shot.bonnet, rig, camera, intrinsics.fx)
        if own is not None:
            moment = replace(moment, rows=np.concatenate([moment.rows, own]))
    light = scene.light(time_s)
    light[CLOCK] += shot.clock_s
    land = _land(scene, moment.origin)
    inverse = invert(moment.rows)
    depth, owner = _cast(moment.rows, inverse, camera, intrinsics, land)
    shining = _shining(moment, inverse, light, camera, float(camera[0, 2]) - rig.height_m, shot)
    rgb, glow = np.empty((*depth.shape, 3), np.float32), np.empty(depth.shape, np.float32)
    labels = np.empty(depth.shape, np.uint8)
    fx = intrinsics.fx
    shade(moment.rows, inverse, camera, fx, land, shining, depth, owner, rgb, glow, labels)
    seed = mix(scene.seed, round(time_s * 1e4))
    if shot.faults != NO_FAULTS:
        sun = _sun_place(light, camera, intrinsics, labels)
        add_to_light(rgb, shot.faults, sun, light[SUN_COLOR : SUN_COLOR + 3])
    image = _develop(rgb, glow, light, camera, intrinsics, sensor, seed)
    image = add_to_image(image, shot.faults)
    axes = (tuple(row.tolist()) for row in camera[1:4])
    pose = Pose(tuple((camera[0] + moment.origin).tolist()), *axes)
    return Frame(image, labels, depth, intrinsics, time_s, pose)


def _sun_place(
    light: npt.NDArray[np.float64],
    camera: npt.NDArray[np.float64],
    intrinsics: Intrinsics,
    labels: npt.NDArray[np.uint8],
) -> tuple[float, float] | None:
    """Return column and row of the sun; None where it is hidden, behind or far outside."""
    right, down, ahead = (float(axis @ light[SUN : SUN + 3]) for axis in camera[1:4])
    if not light[SHADOWS] or ahead < 0.15:
        return None
    height, width = labels.shape
    u = 0.5 * width + intrinsics.fx * right / ahead
    v = 0.5 * height + intrinsics.fy * down / ahead
    if 0.0 <= u < width and 0.0 <= v < height:
        return (u, v) if labels[int(v), int(u)] == SKY else None
    return (u, v) if -width < u < 2 * width and -height < v < 0 else None


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


def random_frame(seed: int, width: int, height: int, variety: str = 'plain') -> Frame:
    """
    Render one training sample: a random scene, camera and moment.

    :param variety: plain, or roads: domain randomisation toward real cameras on real roads.
    :raises ValueError: There is no such variety.
    """
    scene = Scene(seed, variety=variety)
    rng = RandomSource(seed, 0xF2A)
    roads = variety == 'roads'
    rig = road_rig(rng, width, height) if roads else _random_rig(rng, width, height)
    time_s = rng.uniform(0.0, 300.0)
    if scene.street.junctions(0.0, 400.0) and rng.chance(0.55):
        # Near a junction there is more to learn.
        x = rng.pick(scene.street.junctions(400.0, 2000.0)) - rng.uniform(8.0, 40.0)
        time_s = scene.traffic.ego_passes(x)
    sensor = random_sensor(rng, amount=1.0)
    shot = Shot(rng.uniform(-0.5, 0.5), rng.uniform(0.0, 24.0))
    if roads:
        # A negative blur is the sharpening of a camera.
        blur = rng.uniform(-0.15, 0.0) if rng.chance(0.4) else sensor.blur
        sensor = replace(sensor, noise=0.5 * sensor.noise, blur=blur)
        shot = replace(
            shot,
            cell_m=rng.pick((0.12, 0.16, 0.25, 0.25, 0.4)),
            contact=rng.uniform(1.0, 2.2),
            bonnet=rng if rng.chance(0.35) else None,
            faults=random_faults(RandomSource(seed, 0xFA1)),
            behind_m=20.0 if abs(rig.yaw_deg) < 30.0 else SEEN_BEHIND_M,
        )
    return _compose(scene, rig, time_s, sensor, shot)


def _random_rig(rng: RandomSource, width: int, height: int) -> CameraRig:
    wide = rng.uniform(50.0, 100.0)
    yaw = rng.uniform(-4.0, 4.0)
    if rng.chance(0.12):
        yaw = rng.uniform(-100.0, 100.0)
    return CameraRig(
        width, height, wide, rng.uniform(1.2, 2.2), rng.uniform(-4.0, 9.0) * wide / 75.0, yaw
    )


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
