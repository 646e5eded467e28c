# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
In the place of the client of CARLA: a simulator that publishes in ROS 2 itself when it is ticked.

What is placed is that of carla_double, what is published that of carla_wire_double. At the end of
the process a line says what was left behind.
"""

# ruff: noqa: D101, D102 the names and methods are those of carla, documented there

import atexit
import sys

import carla_double
from carla_double import Location, Rotation, Transform
import carla_wire_double

__all__ = ['Client', 'Location', 'Rotation', 'Transform']

_SIMULATOR = carla_double.Simulator()


class _World(carla_double.World):
    _wire = None

    def tick(self, seconds=0.0):
        frame = super().tick(seconds)
        if _World._wire is None:
            _World._wire = carla_wire_double.Double('native')
            _World._wire.do_clock('on')
        publishing = {
            item.attributes['ros_name']: item.attributes
            for item in self._simulator.actors.values()
            if item.ros
        }
        wanted = ('image_size_x', str(carla_wire_double.WIDTH)), ('fov', '80.0')
        sensors = [
            name
            for name, sensor in carla_wire_double.SENSORS.items()
            if all(publishing.get(sensor, {}).get(key) == value for key, value in wanted)
        ]
        _World._wire.publish(sensors)
        return frame


class Client(carla_double.Client):
    def __init__(self, host='127.0.0.1', port=2000):
        super().__init__(host, port, simulator=_SIMULATOR)

    def get_world(self):
        super().get_world()
        return _World(self._simulator)


@atexit.register
def _tell():
    settings = _SIMULATOR.settings
    sys.stdout.write(f'left {len(_SIMULATOR.actors)} actors, {settings.synchronous_mode}\n')
