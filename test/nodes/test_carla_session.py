# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is made in CARLA, and that it is gone afterwards."""

from dataclasses import replace
import inspect
from pathlib import Path
import re

import carla_double
from carla_double import client_module, Simulator, WorldSettings
import pytest
from segformer_ros.carla.objects import Pose, read_vehicle
from segformer_ros.nodes.carla_session import CarlaError, CarlaSession, SessionOptions

OBJECTS = Path(__file__).parents[2] / 'config' / 'carla_objects.json'
OPTIONS = SessionOptions(
    host='localhost',
    port=2000,
    timeout_s=20.0,
    town='',
    synchronous_mode=True,
    fixed_delta_seconds=0.05,
    passive=False,
    role_name='hero',
    autopilot=True,
    seed=7,
    traffic_manager_port=8000,
)


@pytest.fixture
def simulator():
    """Return a simulator with settings of its own."""
    return Simulator(settings=WorldSettings(no_rendering_mode=True, fixed_delta_seconds=0.1))


@pytest.fixture
def vehicle():
    """Return the vehicle that ships."""
    return read_vehicle(OBJECTS)


def session(simulator, **changes):
    """Make a session with a simulator."""
    return CarlaSession(client_module(simulator), replace(OPTIONS, **changes))


def test_the_vehicle_drives_with_its_sensors(simulator, vehicle):
    """Names, attributes and poses are those of the file, in the axes of CARLA."""
    running = session(simulator)
    notes = running.start(vehicle)
    car, *sensors = simulator.actors.values()
    assert (car.type, car.autopilot) == ('vehicle.tesla.model3', 8000)
    assert car.attributes == {'role_name': 'hero', 'ros_name': 'hero'}
    found = {item.attributes['ros_name']: item for item in sensors}
    assert found.keys() == {
        item.id for item in vehicle.sensors if item.type.split('.')[1] != 'pseudo'
    }
    front = found['rgb_front']
    assert front.attributes == {
        'image_size_x': '1024', 'image_size_y': '512', 'fov': '90.0', 'role_name': 'rgb_front',
        'ros_name': 'rgb_front',
    }  # fmt: skip
    assert found['rgb_view'].transform.rotation.pitch == -20.0
    assert all(item.parent == 1 for item in sensors)
    assert {name for name, item in found.items() if not item.ros} == {'collision', 'lane_invasion'}
    assert [note.split()[0] for note in notes] == ['collision', 'lane_invasion']


def test_the_world_is_ticked_at_its_rate(simulator, vehicle):
    """Other settings stay; the traffic manager has its seed and waits for the ticks too."""
    running = session(simulator)
    running.start(vehicle)
    assert simulator.settings.synchronous_mode
    assert simulator.settings.no_rendering_mode
    assert {'traffic seed 7', 'traffic synchronous True'} <= set(simulator.calls)
    before = simulator.time_s
    assert running.tick() == pytest.approx(before + 0.05)


def test_the_end_removes_actors_and_restores_settings(simulator, vehicle):
    """The settings are restored last: until then the world stands still."""
    running = session(simulator)
    running.start(vehicle)
    assert running.close() == []
    assert not simulator.actors
    assert vars(simulator.settings) == vars(
        WorldSettings(no_rendering_mode=True, fixed_delta_seconds=0.1)
    )
    assert simulator.calls[-2:] == ['traffic synchronous False', 'apply_settings']
    calls = len(simulator.calls)
    assert running.close() == []
    assert len(simulator.calls) == calls


@pytest.mark.parametrize('name', ['rgb_front', 'depth_front', 'imu'])
def test_a_start_that_fails_leaves_nothing_behind(simulator, vehicle, name):
    """Whatever was placed until then is taken away, and the world goes on as before."""
    kind = next(item.type for item in vehicle.sensors if item.id == name)
    simulator.refused = (f'spawn {kind}',)
    with pytest.raises(CarlaError, match='CARLA refuses: rpc::rpc_error'):
        session(simulator).start(vehicle)
    assert not simulator.actors
    assert not simulator.settings.synchronous_mode


def test_an_interrupted_start_leaves_nothing_behind(simulator, vehicle, monkeypatch):
    """Ctrl-C comes at any time."""

    def interrupt(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(carla_double.ServerSideSensor, 'enable_for_ros', interrupt)
    with pytest.raises(KeyboardInterrupt):
        session(simulator).start(vehicle)
    assert not simulator.actors


def test_an_actor_that_cannot_be_taken_away_does_not_save_the_others(simulator, vehicle):
    """The sentence says which one is left."""
    running = session(simulator)
    running.start(vehicle)
    simulator.refused = ('destroy',)
    problems = running.close()
    assert 'could not take ego_vehicle away: CARLA refuses' in problems[-1]
    assert len(problems) == len(simulator.actors)
    assert not simulator.settings.synchronous_mode


def test_a_simulator_that_is_gone_is_asked_once(simulator, vehicle):
    """Every question would wait for the whole time."""
    running = session(simulator)
    running.start(vehicle)
    simulator.silent_after = len(simulator.calls)
    with pytest.raises(CarlaError, match='no answer of CARLA at localhost:2000 within 20 s'):
        running.tick()
    problems = running.close()
    assert len(problems) == len(simulator.actors) + 3
    assert all('does not answer' in problem for problem in problems)


def test_a_vehicle_removed_by_another_client_ends_the_drive(simulator, vehicle):
    """Also when the world was loaded anew: no image would ever come again."""
    running = session(simulator)
    running.start(vehicle)
    running.tick()
    simulator.actors.clear()
    with pytest.raises(CarlaError, match='removed it or reloaded the world'):
        running.tick()
    problems = running.close()
    assert problems == ['could not stop the autopilot: CARLA refuses: failed to find actor 1']
    assert not simulator.settings.synchronous_mode


def test_a_passive_session_changes_nothing_but_its_actors(simulator, vehicle):
    """Somebody else ticks, and has set everything as they want it."""
    running = session(simulator, passive=True)
    running.start(vehicle)
    assert not {'apply_settings', 'tick', 'traffic seed 7'} & set(simulator.calls)
    assert running.tick() == pytest.approx(12.1)
    assert running.close() == []
    assert not {'apply_settings', 'traffic synchronous False'} & set(simulator.calls)
    assert not simulator.actors


def test_an_asynchronous_world_is_waited_for(simulator, vehicle):
    """It goes on by itself."""
    running = session(simulator, synchronous_mode=False, autopilot=False)
    running.start(vehicle)
    running.tick()
    assert 'tick' not in simulator.calls
    assert not any('traffic' in call for call in simulator.calls)
    assert next(iter(simulator.actors.values())).autopilot is None


@pytest.mark.parametrize(
    ('town', 'loads'), [('', False), ('Town10HD_Opt', False), ('Town03', True)]
)
def test_a_map_is_loaded_only_where_it_is_another(simulator, vehicle, town, loads):
    """Loading takes a minute."""
    session(simulator, town=town).start(vehicle)
    assert ('load Town03' in simulator.calls) is loads


def test_a_passive_session_loads_no_map(simulator, vehicle):
    """It would take the world away from the client that ticks it."""
    with pytest.raises(CarlaError, match='expected map Town03, Town10HD_Opt is loaded'):
        session(simulator, town='Town03', passive=True).start(vehicle)


def test_the_start_is_a_free_place(simulator, vehicle):
    """The seed chooses; where one is taken the next one serves."""
    session(simulator).start(vehicle)
    chosen = int(next(iter(simulator.actors.values())).transform.location.x)
    other = Simulator(free=[index != chosen for index in range(3)])
    session(other).start(vehicle)
    assert int(next(iter(other.actors.values())).transform.location.x) != chosen
    full = Simulator(free=[False, False])
    with pytest.raises(CarlaError, match='expected a free place for the vehicle, all 2'):
        session(full).start(vehicle)
    placed = replace(vehicle, pose=Pose(2.0, 5.0, 0.3, 0.0, 0.0, 90.0))
    simulator = Simulator()
    session(simulator).start(placed)
    car = next(iter(simulator.actors.values()))
    assert (car.transform.location.y, car.transform.rotation.yaw) == (-5.0, -90.0)


def test_a_vehicle_that_is_missing_names_those_that_exist(simulator, vehicle):
    """CARLA 0.10 has other vehicles than 0.9."""
    with pytest.raises(CarlaError, match=r'no vehicle\.audi\.tt, it has: vehicle\.dodge\.charger'):
        session(simulator).start(replace(vehicle, type='vehicle.audi.tt'))


def test_an_attribute_that_is_missing_is_named(simulator, vehicle):
    """Boost would raise something else for each version."""
    sensor = replace(vehicle.sensors[0], attributes={'fow': '90'})
    with pytest.raises(CarlaError, match='has no attribute fow: remove it from rgb_front'):
        session(simulator).start(replace(vehicle, sensors=(sensor,)))


def test_a_client_that_cannot_publish_is_refused(vehicle):
    """Before 0.9.16 the bridge is needed."""
    with pytest.raises(CarlaError, match=r'0\.9\.16 or later.*carla_mode:=bridge'):
        session(Simulator(without_ros=True)).start(vehicle)


def test_different_versions_are_reported(vehicle):
    """They work together sometimes."""
    simulator = Simulator(client_version='0.9.15')
    notes = session(simulator).start(vehicle)
    assert notes[0] == (
        'the carla client is 0.9.15 and the simulator 0.9.16: install the same version'
    )


def client():
    """Return the real client, or leave the test out with a reason."""
    reason = (
        'without the carla client (no wheel for Python 3.13) its double is not compared with it'
    )
    return pytest.importorskip('carla.libcarla', reason=reason)


@pytest.mark.parametrize('double', carla_double.CLASSES, ids=lambda item: item.__name__)
def test_the_double_has_the_surface_of_the_client(double):
    """Every class, method, argument and property that is used exists in carla 0.9.16."""
    real = getattr(client(), double.__name__)
    for name, member in vars(double).items():
        if name.startswith('_') and name != '__init__':
            continue
        theirs = getattr(real, name)
        if not inspect.isfunction(member):
            assert isinstance(theirs, property)
            continue
        ours = [
            item.name
            for item in inspect.signature(member).parameters.values()
            if item.kind is item.POSITIONAL_OR_KEYWORD
        ][1:]
        if name == '__init__' and double.__name__ in {
            'Actor', 'ActorBlueprint', 'BlueprintLibrary', 'Map', 'Timestamp', 'TrafficManager',
            'World', 'WorldSettings', 'WorldSnapshot',
        }:  # fmt: skip
            continue
        overloads = [
            re.findall(r'\(\w+\)(\w+)', line)[1:]
            for line in theirs.__doc__.splitlines()
            if line.startswith(f'{name}(')
        ]
        assert any(fits(ours, known) for known in overloads), (name, ours, overloads)


@pytest.mark.parametrize(
    'made',
    [
        carla_double.Location(), carla_double.Rotation(), carla_double.Transform(),
        carla_double.Timestamp(), WorldSettings(),
    ],
    ids=lambda item: type(item).__name__,
)  # fmt: skip
def test_the_double_has_the_values_of_the_client(made):
    """What is read or set on them exists there, with a value of the same kind."""
    real = getattr(client(), type(made).__name__)()
    for name, value in vars(made).items():
        theirs = getattr(real, name)
        if isinstance(value, (int, float)):
            assert theirs is None or isinstance(theirs, (int, float)), name
        else:
            assert type(theirs).__name__ == type(value).__name__


def test_the_module_has_the_names_of_the_client():
    """Nothing is asked of the module that carla does not have."""
    real = client()
    names = vars(client_module(Simulator())).keys()
    assert {name: hasattr(real, name) for name in names} == dict.fromkeys(names, True)


def fits(ours, known):
    """Compare names of arguments; the client has numbers where a name is missing."""
    return len(ours) <= len(known) and all(
        own == other or re.fullmatch(r'arg\d+', other)
        for own, other in zip(ours, known, strict=False)
    )


@pytest.mark.parametrize('name', ['synchronous_mode', 'fixed_delta_seconds'])
def test_the_settings_of_the_client_have_our_names(name):
    """An attribute of another name would be set without an effect."""
    settings = client().WorldSettings()
    value = {'synchronous_mode': True, 'fixed_delta_seconds': 0.05}[name]
    setattr(settings, name, value)
    assert isinstance(getattr(client().WorldSettings, name), property)
    assert getattr(settings, name) == value


def test_the_client_finds_no_simulator(vehicle):
    """The real one, on a port that nobody listens to."""
    options = replace(OPTIONS, host='127.0.0.1', port=1, timeout_s=0.2)
    running = CarlaSession(client(), options)
    with pytest.raises(CarlaError, match=r'no answer of CARLA at 127\.0\.0\.1:1 within 0\.2 s'):
        running.start(vehicle)
    assert running.close() == []


def test_the_client_takes_our_poses():
    """Axes and names of the real classes."""
    real = client()
    made = CarlaSession(real, OPTIONS)._transform(Pose(1.0, 2.0, 3.0, 4.0, 5.0, 6.0))
    assert (made.location.x, made.location.y, made.location.z) == (1.0, -2.0, 3.0)
    assert (made.rotation.roll, made.rotation.pitch, made.rotation.yaw) == (4.0, -5.0, -6.0)
