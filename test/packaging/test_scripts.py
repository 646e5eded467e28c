# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The programs of scripts/ in the processes that they start."""

from __future__ import annotations

from pathlib import Path
import runpy

import pytest

SCRIPTS = sorted((Path(__file__).parents[2] / 'scripts').iterdir())


@pytest.mark.parametrize('script', SCRIPTS, ids=lambda path: path.name)
def test_a_spawned_process_can_read_the_program_again(script: Path) -> None:
    """Multiprocessing reads the main program under this name in each of them."""
    names = runpy.run_path(str(script), run_name='__mp_main__')
    assert callable(names[script.name])
