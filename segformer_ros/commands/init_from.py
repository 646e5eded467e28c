# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""segformer init-from: an encoder to start a training from."""

from __future__ import annotations

import argparse
from pathlib import Path
import sys

from segformer_ros.progress import Progress

HELP = 'extract the encoder of a checkpoint, to start a training from'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        'source', help='checkpoint of any format: hf://nvidia/mit-b0, a folder, mit_b0.pth, ...'
    )
    parser.add_argument('out', type=Path, help='.safetensors file to write; must not exist')


def run(args: argparse.Namespace) -> int:
    """
    Write the encoder and say what it is.

    :raises CheckpointError: The source cannot be read, or the name is taken or of another kind.
    """
    from segformer_ros.checkpoints import load_encoder
    from segformer_ros.checkpoints.formats import FORMATS
    from segformer_ros.checkpoints.formats.base import Options
    from segformer_ros.checkpoints.model import describe
    from segformer_ros.checkpoints.writing import check_name, write

    if args.out.suffix != '.safetensors' or args.out.exists():
        # Said before anything is downloaded.
        state = 'it exists' if args.out.exists() else 'that is another kind of file'
        raise ValueError(f'expected a new name that ends in .safetensors, got {args.out}: {state}')
    with Progress('reading'):
        model = load_encoder(args.source)
    packed = FORMATS['native'].pack(model, Options())
    check_name(packed, args.out)
    write(packed, args.out)
    eps, inner = model.config.norm_eps, model.config.embed_norm_eps
    said = f'{eps:g}' if inner in (None, eps) else f'{eps:g} and {inner:g}'
    lines = [
        f'{args.out}: {describe(model.config)} of {model.format}, eps {said}',
        *(f'note: {note}' for note in model.notes),
        f'a recipe starts from it with `init: {args.out}` and `network: {{size: '
        f'{model.config.size}}}`',
    ]
    sys.stdout.write('\n'.join(lines) + '\n')
    return 0
