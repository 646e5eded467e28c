# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A vehicle with cameras in a running CARLA: made, driven, and taken away again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import random
import signal
import threading
from typing import Any

from segformer_ros.carla.objects import Pose, Sensor, Vehicle


class CarlaError(ValueError):
    """CARLA cannot be reached, or lacks what is needed."""


@dataclass(frozen=True)
class SessionOptions:
    """
    How the world is run.

    :param timeout_s: Longest wait for an answer of the simulator.
    :param town: Map to load where another one is loaded; empty keeps the one that is there.
    :param passive: Somebody else ticks the world: settings and map stay as they are.
    :param role_name: Of the vehicle, in its topics.
    :param autopilot: Let the traffic manager drive.
    :param seed: Of the traffic manager and of the choice of the start.
    """

    host: str
    port: int
    timeout_s: float
    town: str
    synchronous_mode: bool
    fixed_delta_seconds: float
    passive: bool
    role_name: str
    autopilot: bool
    seed: int
    traffic_manager_port: int


class CarlaSession:
    """
    Everything that is changed in the simulator between start() and close().

    `carla` is the client module, so that this one needs no simulator.
    """

    def __init__(self, carla: Any, options: SessionOptions) -> None:
        """Do nothing yet."""
        self._carla = carla
        self._options = options
        self._world: Any = None
        self._settings: Any = None
        self._traffic: Any = None
        self._vehicle: Any = None
        self._actors: list[tuple[str, Any]] = []
        self._lost = False
        self._seen = False

    def start(self, vehicle: Vehicle) -> list[str]:
        """
        Connect, prepare the world, and place the vehicle with its sensors.

        Where it fails, nothing stays behind.

        :returns: What a user should know; sentences.
        :raises CarlaError: The simulator is not there, or lacks something.
        """
        try:
            with self._answers():
                notes = self._connect()
                self._prepare()
                self._place(vehicle)
                notes += [self._mount(sensor) for sensor in vehicle.sensors]
                self._drive()
        except BaseException:
            self.close()
            raise
        return [note for note in notes if note]

    def tick(self) -> float:
        """
        Let the world continue by one step, or wait for it where somebody else does.

        :returns: The simulated time, in seconds.
        :raises CarlaError: The simulator does not answer, or the vehicle is not there any more.
        """
        with self._answers():
            if self._options.passive or not self._options.synchronous_mode:
                snapshot = self._world.wait_for_tick(self._options.timeout_s)
            else:
                self._world.tick(self._options.timeout_s)
                snapshot = self._world.get_snapshot()
            present = snapshot.has_actor(self._vehicle.id)
        if self._seen and not present:
            raise CarlaError(
                'the vehicle is not in CARLA any more: another client has removed it or reloaded '
                'the world'
            )
        # Where another client ticks, the first snapshot may be from before it was placed.
        self._seen = self._seen or present
        return float(snapshot.timestamp.elapsed_seconds)

    def close(self) -> list[str]:
        """
        Take the actors away and restore the settings, as far as the simulator answers.

        A second Ctrl-C, or the SIGTERM of a launch file after it, does not interrupt this.

        :returns: What could not be undone; sentences. A second call does nothing.
        """
        steps: list[tuple[str, Callable[[], Any]]] = []
        if self._vehicle is not None and self._options.autopilot:
            port = self._options.traffic_manager_port
            steps.append(('stop the autopilot', lambda: self._vehicle.set_autopilot(False, port)))
        for name, actor in reversed(self._actors):
            steps.append((f'take {name} away', actor.destroy))
        if self._traffic is not None and not self._options.passive:
            steps.append(
                ('free the traffic manager', lambda: self._traffic.set_synchronous_mode(False))
            )
        if self._settings is not None:
            settings = self._settings
            steps.append(
                (
                    'restore the settings of the world',
                    lambda: self._world.apply_settings(settings, self._options.timeout_s),
                )
            )
        with _signals_ignored():
            failed = [problem for problem in (self._undo(*step) for step in steps) if problem]
        self._actors.clear()
        self._vehicle = self._traffic = self._settings = None
        return failed

    def _undo(self, what: str, step: Callable[[], Any]) -> str:
        """Take one step back; once the simulator is gone, no step waits for it again."""
        if self._lost:
            return f'could not {what}: the simulator does not answer'
        try:
            with self._answers():
                step()
        except CarlaError as error:
            return f'could not {what}: {error}'
        return ''

    @contextmanager
    def _answers(self) -> Iterator[None]:
        """Turn what the client raises into one sentence."""
        try:
            yield
        except RuntimeError as error:
            text = ' '.join(str(error).split())
            if 'time-out' in text:
                self._lost = True
                options = self._options
                raise CarlaError(
                    f'no answer of CARLA at {options.host}:{options.port} within '
                    f'{options.timeout_s:g} s: is it running, and is the port right?'
                ) from error
            raise CarlaError(f'CARLA refuses: {text}') from error

    def _connect(self) -> list[str]:
        options = self._options
        client = self._carla.Client(options.host, options.port)
        client.set_timeout(options.timeout_s)
        ours, theirs = client.get_client_version(), client.get_server_version()
        self._world = client.get_world()
        current = self._world.get_map().name.rsplit('/', 1)[-1]
        if options.town and options.town.rsplit('/', 1)[-1] != current:
            if options.passive:
                raise CarlaError(
                    f'expected map {options.town}, {current} is loaded: load it in the client '
                    'that ticks the world, or leave town empty'
                )
            self._world = client.load_world(options.town)
        if options.autopilot:
            self._traffic = client.get_trafficmanager(options.traffic_manager_port)
        if ours == theirs:
            return []
        return [f'the carla client is {ours} and the simulator {theirs}: install the same version']

    def _prepare(self) -> None:
        options = self._options
        if not options.passive:
            self._settings = self._world.get_settings()
            settings = self._world.get_settings()
            settings.synchronous_mode = options.synchronous_mode
            settings.fixed_delta_seconds = options.fixed_delta_seconds
            self._world.apply_settings(settings, options.timeout_s)
            if self._traffic is not None:
                self._traffic.set_random_device_seed(options.seed)
                self._traffic.set_synchronous_mode(options.synchronous_mode)

    def _place(self, vehicle: Vehicle) -> None:
        blueprint = self._blueprint(vehicle.type)
        for name in ('role_name', 'ros_name'):
            if blueprint.has_attribute(name):
                blueprint.set_attribute(name, self._options.role_name)
        if vehicle.pose is not None:
            starts = [self._transform(vehicle.pose)]
        else:
            starts = list(self._world.get_map().get_spawn_points())
            random.Random(self._options.seed).shuffle(starts)
        for start in starts:
            self._vehicle = self._world.try_spawn_actor(blueprint, start)
            if self._vehicle is not None:
                self._actors.append((vehicle.id, self._vehicle))
                return
        raise CarlaError(
            f'expected a free place for the vehicle, all {len(starts)} are taken: remove other '
            'vehicles, or give it a spawn_point in the objects file'
        )

    def _mount(self, sensor: Sensor) -> str:
        if sensor.type.startswith(('sensor.pseudo.', 'actor.pseudo.')):
            return ''
        blueprint = self._blueprint(sensor.type)
        for name in ('role_name', 'ros_name'):
            if blueprint.has_attribute(name):
                blueprint.set_attribute(name, sensor.id)
        for name, value in sensor.attributes.items():
            if not blueprint.has_attribute(name):
                raise CarlaError(
                    f'{sensor.type} has no attribute {name}: remove it from {sensor.id}'
                )
            blueprint.set_attribute(name, value)
        actor = self._world.spawn_actor(blueprint, self._transform(sensor.pose), self._vehicle)
        self._actors.append((sensor.id, actor))
        if not hasattr(actor, 'enable_for_ros'):
            if sensor.is_camera:
                raise CarlaError(
                    'expected a carla client that publishes in ROS 2 itself (0.9.16 or later), '
                    'found an older one: install that, or use carla_mode:=bridge'
                )
            return f'{sensor.id} has no topics: CARLA publishes no {sensor.type}'
        actor.enable_for_ros()
        return ''

    def _drive(self) -> None:
        if not self._options.passive and self._options.synchronous_mode:
            # Only after a step does the vehicle stand where it was placed.
            self._world.tick(self._options.timeout_s)
        if self._traffic is not None:
            self._vehicle.set_autopilot(True, self._options.traffic_manager_port)

    def _blueprint(self, name: str) -> Any:
        library = self._world.get_blueprint_library()
        try:
            return library.find(name)
        except IndexError as error:
            kind = name.split('.', 1)[0]
            known = sorted(item.id for item in library.filter(f'{kind}.*'))
            raise CarlaError(
                f'this CARLA has no {name}, it has: {", ".join(known[:8])}'
                f'{" ..." if len(known) > 8 else ""}'
            ) from error

    def _transform(self, pose: Pose) -> Any:
        there = pose.in_carla()
        return self._carla.Transform(
            self._carla.Location(x=there.x, y=there.y, z=there.z),
            self._carla.Rotation(pitch=there.pitch, yaw=there.yaw, roll=there.roll),
        )


@contextmanager
def _signals_ignored() -> Iterator[None]:
    """Let SIGINT and SIGTERM have no effect; only the main thread can do that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    # None stands for a handler that Python has not installed, and that it cannot put back.
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
