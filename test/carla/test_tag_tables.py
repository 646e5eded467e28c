# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which tags a version of CARLA uses."""

import pytest
from segformer_ros.carla import tag_table, TAG_TABLES, tag_tables
from segformer_ros.labels import CARLA_0914


@pytest.mark.parametrize(
    ('version', 'name'),
    [
        ('0.8.4', 't1'),
        ('0.9.9', 't1'),
        ('0.9.9.4', 't1'),
        ('0.9.10', 't2'),
        ('0.9.13', 't2'),
        ('0.9.14', 't3'),
        ('0.9.16', 't3'),
        ('0.10.0', 't3_ue5'),
        ('1.0', 't3_ue5'),
    ],
)
def test_the_version_decides(version, name):
    """The tags changed in 0.9.10, in 0.9.14 and with Unreal Engine 5."""
    assert tag_table('auto', version) is TAG_TABLES[name]


def test_a_name_wins_over_the_version():
    """The client may be of another version than the simulator."""
    assert tag_table('t2', '0.9.16') is TAG_TABLES['t2']


def test_the_installed_client_is_asked(monkeypatch):
    """Without any, the newest table of 0.9 is taken."""
    monkeypatch.setattr(tag_tables, 'installed_version', lambda: '0.9.12')
    assert tag_table('auto') is TAG_TABLES['t2']
    monkeypatch.setattr(tag_tables, 'installed_version', lambda: None)
    assert tag_table('auto') is TAG_TABLES['t3']


def test_a_package_that_is_not_installed_has_no_version(monkeypatch):
    """Looking for the client does not import it."""

    def nothing(name):
        raise tag_tables.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(tag_tables.metadata, 'version', nothing)
    assert tag_tables.installed_version() is None


@pytest.mark.parametrize(
    ('name', 'version', 'message'),
    [('t4', None, 'one of auto, t1, t2, t3, t3_ue5'), ('auto', 'nightly', "got 'nightly'")],
)
def test_another_name_or_version_is_refused(name, version, message):
    """The message says what would have been right."""
    with pytest.raises(ValueError, match=message):
        tag_table(name, version)


def test_the_newest_table_of_09_is_that_of_the_client():
    """carla.CityObjectLabel of the wheel has the same ids; its names are in the plural."""
    client = pytest.importorskip(
        'carla.libcarla', reason='without the carla client its tags cannot be compared with ours'
    )

    known = {item.name.replace('_', ''): item.id for item in CARLA_0914.classes}
    theirs = {str(key): int(value) for key, value in client.CityObjectLabel.names.items()}
    assert theirs.pop('Any') == 255
    found = {}
    for name, number in theirs.items():
        plain = name.lower()
        found[plain if plain in known else plain.removesuffix('s')] = number
    assert found == known
