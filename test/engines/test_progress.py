# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Nested phases become one fraction."""

from types import SimpleNamespace

import pytest
from segformer_ros.engines.progress import make_monitor, PhaseTree


def test_phases_inside_a_step_count_for_a_part_of_it():
    """Half of the first of four steps is an eighth; two levels multiply."""
    tree = PhaseTree()
    assert tree.start('build', None, 4) == (0.0, 'build')
    assert tree.start('tactics', 'build', 2) == (0.0, 'tactics')
    assert tree.step('tactics', 0) == (0.125, 'tactics')
    tree.start('one layer', 'tactics', 2)
    assert tree.step('one layer', 0) == (pytest.approx(0.1875), 'one layer')
    tree.finish('one layer')
    assert tree.finish('tactics')[1] == 'build'
    assert tree.step('build', 0) == (0.25, 'build')


def test_the_fraction_never_falls():
    """TensorRT runs several phases within one step, and each begins at nothing."""
    tree = PhaseTree()
    tree.start('build', None, 2)
    tree.start('first', 'build', 1)
    assert tree.step('first', 0)[0] == 0.5
    tree.finish('first')
    assert tree.start('second', 'build', 1)[0] == 0.5
    tree.finish('second')
    assert tree.finish('build')[0] == 1.0


def test_steps_of_unknown_or_empty_phases_do_no_harm():
    """Whatever the builder tells, there is a fraction."""
    tree = PhaseTree()
    assert tree.step('unknown', 3) == (0.0, '')
    assert tree.finish('unknown') == (0.0, '')
    tree.start('empty', None, 0)
    assert tree.step('empty', 5)[0] == 1.0


def test_a_monitor_says_after_each_step_whether_to_continue():
    """And reports the state."""
    told, answers = [], iter([False, True])
    module = SimpleNamespace(IProgressMonitor=type('IProgressMonitor', (), {}))
    monitor = make_monitor(module, lambda *state: told.append(state), lambda: next(answers))

    monitor.phase_start('build', None, 2)
    assert monitor.step_complete('build', 0) is True
    assert monitor.step_complete('build', 1) is False
    monitor.phase_finish('build')

    assert told == [(0.0, 'build'), (0.5, 'build'), (1.0, 'build'), (1.0, 'build')]
