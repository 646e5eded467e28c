# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
As much of the Python client of CARLA as carla_session uses, with a simulator behind it.

The classes, methods and arguments have the names of the client; a test compares them with it.
"""

# ruff: noqa: D101, D102 the names and methods are those of carla, documented there

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from types import SimpleNamespace

_CAMERA = ('image_size_x', 'image_size_y', 'fov', 'role_name', 'ros_name', 'sensor_tick')
_BLUEPRINTS = {
    'vehicle.tesla.model3': ('role_name', 'ros_name', 'color'),
    'vehicle.dodge.charger': ('role_name', 'ros_name', 'color'),
    'sensor.camera.rgb': (*_CAMERA, 'gamma'),
    'sensor.camera.depth': _CAMERA,
    'sensor.camera.semantic_segmentation': _CAMERA,
    'sensor.other.gnss': ('role_name', 'ros_name'),
    'sensor.other.imu': ('role_name', 'ros_name'),
    'sensor.other.collision': ('role_name', 'ros_name'),
    'sensor.other.lane_invasion': ('role_name', 'ros_name'),
}


class Location:
    def __init__(self, x=0.0, y=0.0, z=0.0):
        self.x, self.y, self.z = x, y, z


class Rotation:
    def __init__(self, pitch=0.0, yaw=0.0, roll=0.0):
        self.pitch, self.yaw, self.roll = pitch, yaw, roll


class Transform:
    def __init__(self, location=None, rotation=None):
        self.location, self.rotation = location or Location(), rotation or Rotation()


class WorldSettings:
    def __init__(self, synchronous_mode=False, no_rendering_mode=False, fixed_delta_seconds=0):
        self.synchronous_mode = synchronous_mode
        self.no_rendering_mode = no_rendering_mode
        self.fixed_delta_seconds = fixed_delta_seconds


@dataclass
class Simulator:
    """What the client speaks to; `calls` says in which order."""

    town: str = 'Town10HD_Opt'
    version: str = '0.9.16'
    client_version: str = '0.9.16'
    settings: WorldSettings = field(default_factory=WorldSettings)
    free: list[bool] = field(default_factory=lambda: [True, True, True])
    silent_after: int | None = None
    refused: tuple[str, ...] = ()
    without_ros: bool = False
    calls: list[str] = field(default_factory=list)
    actors: dict[int, SimpleNamespace] = field(default_factory=dict)
    steps: int = 0
    time_s: float = 12.0
    spawned: int = 0

    def call(self, name):
        """Take a request, or be silent."""
        if self.silent_after is not None and len(self.calls) >= self.silent_after:
            raise RuntimeError(
                'time-out of 20000ms while waiting for the simulator, make sure the simulator is '
                'ready and connected to localhost:2000'
            )
        self.calls.append(name)
        if name in self.refused:
            raise RuntimeError(f'rpc::rpc_error during call in function {name}')


class Timestamp:
    def __init__(self, frame=0, elapsed_seconds=0.0):
        self.frame, self.elapsed_seconds = frame, elapsed_seconds


class WorldSnapshot:
    def __init__(self, timestamp, actors):
        self._timestamp, self._actors = timestamp, actors

    def has_actor(self, actor_id):
        return actor_id in self._actors

    @property
    def timestamp(self):
        return self._timestamp


class ActorBlueprint:
    def __init__(self, id):  # noqa: A002 the client's name
        self._id = id
        self._known = _BLUEPRINTS[id]
        self._set = {}

    @property
    def id(self):
        return self._id

    def has_attribute(self, id):  # noqa: A002 the client's name
        return id in self._known

    def set_attribute(self, id, value):  # noqa: A002 the client's name
        assert type(value) is str
        assert id in self._known
        self._set[id] = value


class BlueprintLibrary:
    def __init__(self, names):
        self._names = names

    def __iter__(self):
        return (ActorBlueprint(name) for name in self._names)

    def find(self, id):  # noqa: A002 the client's name
        if id not in self._names:
            raise IndexError(f"blueprint '{id}' not found")
        return ActorBlueprint(id)

    def filter(self, wildcard_pattern):
        prefix = wildcard_pattern.removesuffix('*')
        return BlueprintLibrary([name for name in self._names if name.startswith(prefix)])


class Actor:
    def __init__(self, simulator, number, type_id):
        self._simulator, self._number, self._type_id = simulator, number, type_id

    @property
    def id(self):
        return self._number

    def destroy(self):
        self._simulator.call('destroy')
        return self._simulator.actors.pop(self._number, None) is not None


class Vehicle(Actor):
    def set_autopilot(self, enabled=True, tm_port=8000):
        self._simulator.call('set_autopilot')
        if self._number not in self._simulator.actors:
            raise RuntimeError(f'failed to find actor {self._number}')
        self._simulator.actors[self._number].autopilot = tm_port if enabled else None


class ServerSideSensor(Actor):
    def enable_for_ros(self):
        self._simulator.call('enable_for_ros')
        self._simulator.actors[self._number].ros = True


class ClientSideSensor(Actor):
    pass


class Map:
    def __init__(self, name, starts):
        self._name, self._starts = name, starts

    @property
    def name(self):
        return self._name

    def get_spawn_points(self):
        return [Transform(Location(x=float(index))) for index in range(self._starts)]


class TrafficManager:
    def __init__(self, simulator):
        self._simulator = simulator

    def set_synchronous_mode(self, mode_switch):
        self._simulator.call(f'traffic synchronous {mode_switch}')

    def set_random_device_seed(self, value):
        self._simulator.call(f'traffic seed {value}')


class World:
    def __init__(self, simulator):
        self._simulator = simulator

    def get_map(self):
        self._simulator.call('get_map')
        return Map(f'Carla/Maps/{self._simulator.town}', len(self._simulator.free))

    def get_settings(self):
        self._simulator.call('get_settings')
        return copy.copy(self._simulator.settings)

    def apply_settings(self, settings, seconds=0.0):
        self._simulator.call('apply_settings')
        self._simulator.settings = copy.copy(settings)
        return self._simulator.steps

    def get_blueprint_library(self):
        return BlueprintLibrary(list(_BLUEPRINTS))

    def try_spawn_actor(self, blueprint, transform, attach_to=None):
        if (
            blueprint.id.startswith('vehicle')
            and not self._simulator.free[int(transform.location.x)]
        ):
            return None
        return self.spawn_actor(blueprint, transform, attach_to)

    def spawn_actor(self, blueprint, transform, attach_to=None):
        simulator = self._simulator
        simulator.call(f'spawn {blueprint.id}')
        kind = Vehicle if attach_to is None else ServerSideSensor
        if blueprint.id in {'sensor.other.collision', 'sensor.other.lane_invasion'}:
            kind = ClientSideSensor
        if simulator.without_ros and kind is ServerSideSensor:
            kind = ClientSideSensor
        simulator.spawned += 1
        simulator.actors[simulator.spawned] = SimpleNamespace(
            type=blueprint.id,
            attributes=dict(blueprint._set),
            transform=transform,
            parent=attach_to and attach_to._number,
            ros=False,
            autopilot=None,
        )
        return kind(simulator, simulator.spawned, blueprint.id)

    def tick(self, seconds=0.0):
        simulator = self._simulator
        simulator.call('tick')
        assert simulator.settings.synchronous_mode
        simulator.steps += 1
        simulator.time_s += simulator.settings.fixed_delta_seconds
        return simulator.steps

    def wait_for_tick(self, seconds=0.0):
        self._simulator.call('wait_for_tick')
        self._simulator.time_s += 0.1
        return self.get_snapshot()

    def get_snapshot(self):
        simulator = self._simulator
        return WorldSnapshot(Timestamp(simulator.steps, simulator.time_s), set(simulator.actors))


class Client:
    def __init__(self, host='127.0.0.1', port=2000, *, simulator=None):
        self._simulator = simulator

    def set_timeout(self, seconds):
        self._simulator.timeout_s = seconds

    def get_client_version(self):
        return self._simulator.client_version

    def get_server_version(self):
        self._simulator.call('get_server_version')
        return self._simulator.version

    def get_world(self):
        self._simulator.call('get_world')
        return World(self._simulator)

    def load_world(self, map_name):
        self._simulator.call(f'load {map_name}')
        self._simulator.town = map_name
        self._simulator.settings = WorldSettings()
        return World(self._simulator)

    def get_trafficmanager(self, port=8000):
        self._simulator.call(f'traffic manager {port}')
        return TrafficManager(self._simulator)


CLASSES = (
    Actor, ActorBlueprint, BlueprintLibrary, Client, Location, Map, Rotation, ServerSideSensor,
    Timestamp, TrafficManager, Transform, Vehicle, World, WorldSettings, WorldSnapshot,
)  # fmt: skip


def client_module(simulator):
    """Return what stands for the module `carla`, with this simulator."""

    def connect(host='127.0.0.1', port=2000):
        return Client(host, port, simulator=simulator)

    return SimpleNamespace(
        Client=connect, Location=Location, Rotation=Rotation, Transform=Transform
    )
