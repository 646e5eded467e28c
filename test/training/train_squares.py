# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`segformer train` in a process of its own that knows the squares."""

from pathlib import Path
import sys

sys.path.insert(0, str(Path(__file__).parent))
# Lightning imports it where it finds it, and it imports half of the environment of the tests.
sys.modules['torchmetrics'] = None

import square_dataset  # noqa: E402

square_dataset.register()

from segformer_ros import cli  # noqa: E402

if __name__ == '__main__':
    sys.exit(cli.main(['train', *sys.argv[1:]]))
