# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
`segformer train` in a process of its own that knows the squares.

With the variable KILLED_BY it is killed as soon as there is the file of that name: by a thread of
its own, so that it does not get far, however busy the machine is.
"""

import os
from pathlib import Path
import signal
import sys
import threading
import time

sys.path.insert(0, str(Path(__file__).parent))
# Lightning imports it where it finds it, and it imports half of the environment of the tests.
sys.modules['torchmetrics'] = None

import square_dataset  # noqa: E402

square_dataset.register()

from segformer_ros import cli  # noqa: E402


def kill_when(file):
    """Wait for a file, and kill this process."""
    while not file.exists():
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == '__main__':
    if 'KILLED_BY' in os.environ:
        watched = Path(os.environ['KILLED_BY'])
        threading.Thread(target=kill_when, args=(watched,), daemon=True).start()
    sys.exit(cli.main(['train', *sys.argv[1:]]))
