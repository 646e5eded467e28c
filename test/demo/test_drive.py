# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The live part of the demonstration, where nothing comes of it."""

import io
from pathlib import Path
from types import SimpleNamespace

import pytest
from segformer_ros.demo import drive
from segformer_ros.demo.display import Display
from segformer_ros.demo.processes import ProcessError

SCENARIO = SimpleNamespace(
    source='world_node', preparing='preparing the world', waits_for_recorder=False
)


class Silent:
    """Processes that run and say nothing."""

    logs = Path('demo_output/logs')

    def check(self, may_end=()):
        """Find them all running."""

    def ended(self, name):
        """Return whether it has ended: it has not."""
        return False

    def next_line(self, timeout_s):
        """Return no line."""


@pytest.mark.parametrize('step', [drive._watch, drive._wait_for_recorder])
def test_processes_without_a_result_are_given_up_with_what_to_do(monkeypatch, step):
    """The place of the logs is named; on a slow computer the next start has less to compile."""
    monkeypatch.setattr(drive, '_PATIENCE_S', 0.0)
    more = (Path('bag'),) if step is drive._watch else ()
    with pytest.raises(ProcessError, match=r'look into demo_output/logs; .* start it again'):
        step(SCENARIO, Silent(), Display(io.StringIO()), *more)
