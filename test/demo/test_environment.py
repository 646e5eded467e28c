# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The environment that keeps the demonstration to itself."""

from pathlib import Path
import socket
import subprocess
import sys
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from segformer_ros.demo import environment


def unused_domains(monkeypatch, first):
    """Let two domains be chosen that no program here takes, and that Linux gives to no one."""
    monkeypatch.setattr(environment, '_DOMAINS', range(first, first + 2))
    return first, first + 1


def test_a_domain_in_use_is_not_chosen(monkeypatch):
    """A robot on this computer is left alone."""
    first, second = unused_domains(monkeypatch, 220)
    monkeypatch.setattr(environment, '_LATEST', 0)
    free = {environment.free_domain() for _ in range(20)}
    assert free <= {first, second}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as robot:
        robot.bind(('', 7410 + 250 * first))
        assert environment.free_domain() == second
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(('', 7410 + 250 * second))
            with pytest.raises(RuntimeError, match='every ROS domain is in use'):
                environment.free_domain()


def test_a_domain_that_was_just_chosen_is_not_chosen_by_another_process(monkeypatch):
    """Its nodes begin seconds later, and the port shows them only then."""
    first, second = unused_domains(monkeypatch, 224)
    mine = environment.free_domain()
    code = 'from segformer_ros.demo import environment; environment._DOMAINS = range(224, 226); '
    command = [sys.executable, '-c', f'{code}print(environment.free_domain())']
    found = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(2)]
    assert {int(done.stdout) for done in found} == {first, second} - {mine}


def test_the_processes_hear_only_each_other(tmp_path):
    """Settings that lead to other computers are not handed on."""
    base = {'HOME': '/home/me', 'ROS_DOMAIN_ID': '0', 'ROS_STATIC_PEERS': '10.0.0.2'}
    made = environment.demo_environment(base, tmp_path)
    assert made['ROS_DOMAIN_ID'] != '0'
    assert made['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'LOCALHOST'
    assert 'ROS_STATIC_PEERS' not in made
    assert made['HOME'] == '/home/me'
    assert base['ROS_DOMAIN_ID'] == '0'


def test_large_images_have_their_profile(tmp_path):
    """It is the one that ships with the package."""
    made = environment.demo_environment({}, tmp_path)
    profile = Path(made['FASTRTPS_DEFAULT_PROFILES_FILE'])
    assert made['FASTDDS_DEFAULT_PROFILES_FILE'] == str(profile)
    assert profile.name == 'fastdds_large_images.xml'
    assert profile.is_file()


@pytest.mark.parametrize(
    'name', ['FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE']
)
def test_the_profile_of_the_user_is_kept(tmp_path, name):
    """Who has set one knows why."""
    made = environment.demo_environment({name: '/etc/mine.xml'}, tmp_path)
    assert made[name] == '/etc/mine.xml'
    assert sum(key.endswith('DEFAULT_PROFILES_FILE') for key in made) == 1


@pytest.mark.parametrize(('free', 'expected'), [(64 << 20, 8 << 20), (1 << 20, 1 << 20)])
def test_little_shared_memory_is_shared(tmp_path, monkeypatch, free, expected):
    """In a container of 64 MB every process gets its part, and images still arrive."""
    usage = SimpleNamespace(total=free, used=0, free=free)
    monkeypatch.setattr(environment.shutil, 'disk_usage', lambda path: usage)
    made = environment.demo_environment({}, tmp_path / 'logs')
    text = Path(made['FASTRTPS_DEFAULT_PROFILES_FILE']).read_text()
    assert f'<segment_size>{expected}</segment_size>' in text
    assert ElementTree.fromstring(text) is not None
