# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where the CPU time of a command goes, as bench/steps.py counts it."""

from types import SimpleNamespace

import pytest
import steps


@pytest.fixture
def clock(monkeypatch):
    """Replace the clocks by one that moves when it is told to."""
    now = SimpleNamespace(seconds=0.0)
    read = SimpleNamespace(thread_time=lambda: now.seconds, process_time=lambda: now.seconds)
    monkeypatch.setattr(steps, 'time', read)
    return now


@pytest.mark.parametrize('place', sorted({place for _, place in steps.STEPS}))
def test_every_step_is_a_function_of_the_package(place):
    """One that is renamed there must be renamed here."""
    owner, name = steps.find(place)
    assert callable(getattr(owner, name))


def test_a_step_does_not_count_what_is_inside_it(clock):
    """Also where the inner one fails."""
    meter = steps.Meter()

    def inside():
        clock.seconds += 2.0
        raise ValueError('damaged')

    def outside(work):
        clock.seconds += 1.0
        with pytest.raises(ValueError, match='damaged'):
            work()
        clock.seconds += 4.0
        return 'done'

    clock.seconds = 0.5
    work = meter.wrap('outer', outside)
    assert [work(meter.wrap('inner', inside)) for _ in range(2)] == ['done', 'done']
    assert meter.seconds == {'outer': 10.0, 'inner': 4.0}
    assert meter.calls == {'outer': 2, 'inner': 2}
    assert meter.start_s == 0.5


def test_a_generator_counts_while_it_makes_an_item(clock):
    """Not while the others work on it."""
    meter = steps.Meter()

    def items():
        for number in range(2):
            clock.seconds += 1.0
            yield number

    for _ in meter.wrap('decoding', items)():
        clock.seconds += 8.0
    assert meter.seconds == {'decoding': 2.0}


def test_what_no_step_has_is_the_rest():
    """Shares are those of all CPU time."""
    meter = steps.Meter()
    meter.seconds['network'], meter.calls['network'], meter.start_s = 3.0, 2, 0.25
    assert steps.table(meter, 4.0).splitlines()[2:] == [
        '| network | 3.00 | 75 % | 2 | 1500.00 |',
        '| the rest | 1.00 | 25 % |  |  |',
        '',
        '4.00 s of CPU time in all, 0.25 before the first step',
    ]


def test_without_a_command_it_says_how_it_is_used(capsys):
    """The program has no options of its own."""
    assert steps.main([]) == 2
    assert 'python bench/steps.py run' in capsys.readouterr().out
