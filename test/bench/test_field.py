# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Candidates make room for each other where memory is short."""

from comparison import field, machine
import pytest

SIZES = {'small': 100.0, 'large': 600.0, 'middle': 500.0}


@pytest.fixture
def loaded(monkeypatch):
    """Return the names that are in a memory of 1000 MB."""
    names = []

    class FakeChild:
        def __init__(self, name, case):
            self._name = name
            names.append(name)

        def close(self):
            names.remove(self._name)

    monkeypatch.setattr(field, 'Child', FakeChild)
    monkeypatch.setattr(machine, 'free_mb', lambda: 1000.0 - sum(SIZES[name] for name in names))
    return names


def load_all(pool):
    """Load everybody once, and note what each takes."""
    for name, megabytes in SIZES.items():
        pool.child(name)
        pool.note_need(name, megabytes)


def test_largest_one_makes_room(loaded):
    """Small and large fit beside each other; for the third the large one is ended."""
    pool = field.Field(None)
    load_all(pool)
    assert loaded == ['small', 'middle']
    assert not pool.is_loaded('large')


def test_ended_one_comes_back(loaded):
    """It is loaded again in place of the one that is the largest then."""
    pool = field.Field(None)
    load_all(pool)
    pool.child('large')
    assert loaded == ['small', 'large']


def test_loaded_one_is_not_loaded_again(loaded):
    """Whoever stays is the same process."""
    pool = field.Field(None)
    assert pool.child('small') is pool.child('small')
    assert loaded == ['small']


def test_close_ends_all(loaded):
    """Nobody is left behind."""
    pool = field.Field(None)
    load_all(pool)
    pool.close()
    assert loaded == []
