# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Drives a vehicle through CARLA that publishes in ROS 2 itself, without the ROS bridge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
import sys
from typing import Any

from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.node import Node
from segformer_ros import interrupts
from segformer_ros.carla.objects import read_vehicle
from segformer_ros.carla.topics import ROLE_NAME
from segformer_ros.nodes import executable
from segformer_ros.nodes.carla_session import CarlaError, CarlaSession, SessionOptions
from segformer_ros.nodes.fixed_parameters import parameter, take


@dataclass(frozen=True)
class CarlaWorldParameters:
    """One field per ROS parameter; all of them hold from the start of the node on."""

    host: str = parameter('localhost', 'Host that CARLA runs on.')
    port: int = parameter(2000, 'TCP port of CARLA.', between=(1, 65535))
    timeout: float = parameter(20.0, 'Maximum wait for CARLA, in seconds.', between=(0.1, 3600.0))
    town: str = parameter('', 'Map to load, e.g. Town03; empty = keep the current one.')
    synchronous_mode: bool = parameter(
        True, 'Synchronous mode: the world waits for every step of this node.'
    )
    fixed_delta_seconds: float = parameter(
        0.05, 'Simulated seconds per step; the physics needs less than 0.1.', between=(0.001, 0.1)
    )
    real_time: bool = parameter(
        True, 'Never let simulated time run faster than real time; false = as fast as possible.'
    )
    passive: bool = parameter(
        False, 'Another client ticks the world; its settings and map stay unchanged.'
    )
    role_name: str = parameter(ROLE_NAME, 'Role name of the vehicle in its topics.')
    objects_definition_file: str = parameter(
        '', 'Objects file (JSON) with the vehicle and its sensors.'
    )
    autopilot: bool = parameter(True, "Let CARLA's traffic manager drive.")
    traffic_manager_port: int = parameter(
        8000, 'TCP port of the traffic manager.', between=(1, 65535)
    )
    seed: int = parameter(
        3, 'Seed of the start position and of the traffic manager.', between=(0, (1 << 31) - 1)
    )

    def __post_init__(self) -> None:
        if not self.objects_definition_file:
            raise ValueError(
                'expected a file in objects_definition_file, such as config/carla_objects.json'
            )

    def session_options(self) -> SessionOptions:
        """Return what the session depends on."""
        return SessionOptions(
            host=self.host,
            port=self.port,
            timeout_s=self.timeout,
            town=self.town,
            synchronous_mode=self.synchronous_mode,
            fixed_delta_seconds=self.fixed_delta_seconds,
            passive=self.passive,
            role_name=self.role_name,
            autopilot=self.autopilot,
            seed=self.seed,
            traffic_manager_port=self.traffic_manager_port,
        )


def load_client() -> Any:
    """
    Import the Python client of CARLA, which nothing else here does.

    :raises CarlaError: It is not installed.
    """
    wanted = (
        'expected the Python client of CARLA (pip install carla==0.9.16, for Python 3.10 to 3.12, '
        'in the version of the simulator)'
    )
    try:
        import carla
    except ImportError as error:
        raise CarlaError(f'{wanted}: {error}') from error
    if not hasattr(carla, 'Client'):
        # Any folder of this name on the path is taken for a package.
        raise CarlaError(f'{wanted}, found a folder {next(iter(carla.__path__), "")}')
    return carla


class CarlaWorldNode(Node):
    """
    Places the vehicle of an objects file in CARLA and ticks the world.

    The simulator publishes images, camera_info and /clock. At the end, also after an error or
    SIGTERM, every actor is taken away and the settings of the world are restored.
    """

    def __init__(self, load: Callable[[], Any] = load_client) -> None:
        """
        Take the parameters, connect and place the vehicle.

        :param load: Gives the client module.
        :raises ValueError: A parameter has no sense, or CARLA lacks something.
        """
        # What it says at its end comes when ROS is down already.
        super().__init__('carla_world_node', enable_rosout=False)
        self.parameters = take(self, CarlaWorldParameters)
        self.failed = False
        self.steps = 0
        parameters = self.parameters
        vehicle = read_vehicle(Path(parameters.objects_definition_file).expanduser())
        self._session = CarlaSession(load(), parameters.session_options())
        # A steady clock: this node is the one who makes simulated time.
        period = parameters.fixed_delta_seconds if parameters.real_time else 0.001
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = self.create_timer(period, self._on_timer, clock=steady)
        try:
            with interrupts.interruptible():
                notes = list(self._session.start(vehicle))
            for note in notes:
                self.get_logger().warning(note)
            self.get_logger().info(
                f'{vehicle.type} drives as {parameters.role_name} with '
                f'{", ".join(item.id for item in vehicle.cameras)}'
            )
        except BaseException:
            # A signal: a caller that gets no node cannot destroy it.
            self._session.close()
            raise

    def destroy_node(self) -> None:
        """Leave the simulator as it was."""
        for problem in self._session.close():
            self.failed = True
            self.get_logger().error(problem)
        super().destroy_node()

    def _on_timer(self) -> None:
        try:
            self._session.tick()
        except CarlaError as error:
            self.failed = True
            self.get_logger().fatal(str(error))
            self._timer.cancel()
            self.context.try_shutdown()
        else:
            self.steps += 1


def main(args: Sequence[str] | None = None) -> int:
    """Run the node until it is told to end or CARLA is gone; 1 where something went wrong."""
    made: list[CarlaWorldNode] = []

    def make() -> CarlaWorldNode:
        made.append(CarlaWorldNode())
        return made[-1]

    code = executable.run(make, args)
    return code or int(any(node.failed for node in made))


if __name__ == '__main__':
    sys.exit(main())
