# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Measure networks on a CUDA device: on torch and TensorRT, in float16 and float32.

It writes markdown, a table as soon as it is measured; candidates of a table take turns.

published: ours next to Hugging Face's modules with the same random weights: the network alone with
its input on the device, its share of what the device was measured to copy and multiply, and the
whole path from the image of a camera to labels and depth in the host's memory.

shipped: world_b0_slim against world_b0_fast, its labels alone and four images in a batch, at
512x1024; with --ultralytics (see bench/yolo.py) next to YOLO26n-sem and YOLO26n-depth.

training: a step of config/train/world_b0.yaml.

    python bench/gpu.py --ultralytics ultralytics/bin/python
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
import sys
from typing import TYPE_CHECKING

from segformer_ros.engines.errors import EngineError
from segformer_ros.engines.gpu import current_gpu

if TYPE_CHECKING:
    from comparison.against_rows import Tree
    from comparison.gpu_turns import Setting

TABLES = ('published', 'shipped', 'training')
SIZES = ((512, 512), (512, 1024), (800, 1280))


def report(
    setting: Setting, tree: Tree, python: str = '', tables: Sequence[str] = TABLES
) -> Iterator[str]:
    """
    Measure tables one after the other and write them as markdown.

    :param tree: This checkout.
    :param python: That imports ultralytics, or ''.
    """
    from comparison import gpu_published, gpu_shipped, gpu_training

    absent: dict[str, str] = {}
    if 'published' in tables:
        yield from gpu_published.parts(setting, absent)
    if 'shipped' in tables:
        yield from gpu_shipped.parts(setting, python, absent)
    if 'training' in tables:
        yield from gpu_training.parts(tree, absent)
    yield from (f'Absent: {name}: {reason}.' for name, reason in absent.items())


def _refuse(reason: object, tables: Sequence[str]) -> int:
    sys.stderr.write(f'bench/gpu.py: error: {reason}; not measured: {", ".join(tables)}\n')
    return 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, or say what cannot be measured here; 1 where there is no device."""
    parser = argparse.ArgumentParser(description=str(__doc__).strip().splitlines()[0])
    parser.add_argument('--model', default='b0', help='of published, b0 to b5 (%(default)s)')
    parser.add_argument('--repeats', type=int, default=200, help='turns (%(default)s)')
    parser.add_argument('--tables', nargs='+', choices=TABLES, default=TABLES)
    parser.add_argument(
        '--ultralytics', default='', metavar='PYTHON', help='Python that imports ultralytics'
    )
    args = parser.parse_args(arguments)
    try:
        gpu = current_gpu()
    except EngineError as error:
        return _refuse(error, args.tables)
    # Behind the driver's answer: these take seconds to import.
    import torch

    if not torch.cuda.is_available():
        return _refuse(f'torch {torch.__version__} finds no GPU: install it for CUDA', args.tables)
    from against import Tree
    from comparison.gpu_turns import Setting

    setting = Setting(torch.device('cuda'), SIZES, args.repeats, args.model)
    tree = Tree(Path(__file__).parents[1], sys.executable)
    sys.stdout.write(
        f'{gpu}, driver {gpu.driver}; {date.today()}, torch {torch.__version__}, medians of '
        f'{setting.repeats} turns.\n'
    )
    for part in report(setting, tree, args.ultralytics, args.tables):
        sys.stdout.write(f'\n{part}\n')
        sys.stdout.flush()
    return 0


if __name__ == '__main__':
    sys.exit(main())
