# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The classes of the world, by their ids in CARLA 0.9.14."""

from __future__ import annotations

# Of the vehicle that carries the camera; no class of the world.
NONE = 0
ROAD = 1
SIDEWALK = 2
BUILDING = 3
WALL = 4
FENCE = 5
POLE = 6
TRAFFIC_LIGHT = 7
TRAFFIC_SIGN = 8
VEGETATION = 9
TERRAIN = 10
SKY = 11
PEDESTRIAN = 12
RIDER = 13
CAR = 14
TRUCK = 15
BUS = 16
MOTORCYCLE = 18
BICYCLE = 19
STATIC = 20
ROAD_LINE = 24

CLASS_IDS: tuple[int, ...] = (*range(1, 17), 18, 19, 20, 24)
