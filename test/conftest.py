# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Let every test folder import the builders that lie here, such as tiny_bundle."""

from pathlib import Path
import signal
import sys

import pytest

sys.path.insert(0, str(Path(__file__).parent))

# A shell that runs the tests in the background has them ignore SIGINT, and so would every process
# that they start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope='session', autouse=True)
def own_cache(tmp_path_factory):
    """Keep what the tests compile and measure apart from the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('XDG_CACHE_HOME', str(tmp_path_factory.mktemp('cache')))
        yield


@pytest.fixture(autouse=True)
def no_handler_of_dead_children():
    """
    Take back the handler of SIGCHLD that torch's DataLoader leaves in the process.

    With the native libraries of all engines in one process, waiting for a child ended in a
    segmentation fault inside poll(): as if the stack that signals are handled on had gone.
    """
    yield
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
