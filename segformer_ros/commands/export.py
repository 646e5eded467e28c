# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""segformer export: turn a checkpoint into a bundle, and prove that it computes the same."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
import sys
from typing import Any

from segformer_ros.bundle import Bundle, ENGINES, FLOATS, is_checkpoint
from segformer_ros.commands.unused_options import refuse
from segformer_ros.progress import Progress
from segformer_ros.run_folder import require_new

HELP = 'export a checkpoint to a bundle that can be deployed'
_OPSET = 17
_MOST_PIXELS = 1 << 26
_OF_EACH = (('--size', '--licence'), ('--depth-size', '--depth-licence'))
_OF_CHECKPOINTS = (
    '--notes', '--focal-length', '--target', '--precision', '--plain', '--fused-attention',
    '--single-task', '--torchscript', '--opset',
)  # fmt: skip


def input_size(text: str) -> tuple[int, int]:
    """
    Read '256x512' as (height, width).

    :raises argparse.ArgumentTypeError: It is no such text, or no size that a network can have.
    """
    message = f'expected a size such as 256x512 (height x width), got {text!r}'
    try:
        height, width = (int(part) for part in text.lower().split('x'))
    except ValueError as error:
        raise argparse.ArgumentTypeError(message) from error
    if min(height, width) < 1:
        raise argparse.ArgumentTypeError(message)
    if height * width > _MOST_PIXELS:
        raise argparse.ArgumentTypeError(
            f'expected a size of at most {_MOST_PIXELS} pixels, got {text!r}'
        )
    return height, width


def input_sizes(text: str) -> list[tuple[int, int]]:
    """
    Read '256x512,288x512' as (height, width) of each.

    :raises argparse.ArgumentTypeError: It is no such text.
    """
    return [input_size(part) for part in text.split(',')]


def one_of(known: Sequence[str]) -> Callable[[str], list[str]]:
    """Make a reader of texts such as 'onnxruntime,openvino'."""

    def read(text: str) -> list[str]:
        names = text.split(',')
        for name in names:
            if name not in known:
                message = f'expected {", ".join(known)}, got {name!r}'
                raise argparse.ArgumentTypeError(message)
        return names

    return read


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments; lists are repeated options or texts with commas."""
    parser.add_argument(
        'checkpoint',
        nargs='+',
        help='best.safetensors of a training, or a checkpoint of any other format; two of them, '
        'the second for depth, become one bundle of two networks, and bundles count as well',
    )
    parser.add_argument('out', type=Path, help='folder of the bundle; its name names the network')
    parser.add_argument(
        '--size',
        type=input_sizes,
        action='extend',
        metavar='HxW[,HxW]',
        help='input sizes, multiples of 32; may be repeated (default: those that the checkpoint '
        'was made for)',
    )
    parser.add_argument(
        '--overwrite', action='store_true', help='replace an earlier bundle in the folder'
    )
    parser.add_argument(
        '--depth-size',
        type=input_sizes,
        action='extend',
        metavar='HxW[,HxW]',
        help='input sizes of the second of two networks (default: as for --size)',
    )
    parser.add_argument(
        '--notes', default='', help='sentence that `segformer info` shows with the origin'
    )
    parser.add_argument(
        '--licence', help='licence of third-party weights (default: what the checkpoint says)'
    )
    parser.add_argument(
        '--depth-licence', help='licence of third-party weights of the second of two networks'
    )
    parser.add_argument(
        '--focal-length',
        type=float,
        metavar='PX',
        help='focal length for which the depth of third-party weights is correct',
    )
    _add_graph_arguments(parser.add_argument_group('graphs'))


def _add_graph_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        '--target',
        type=one_of(ENGINES),
        action='extend',
        metavar='ENGINE[,ENGINE]',
        help=f'engines to export for: {", ".join(ENGINES)}; the first two share a graph (default: '
        'onnxruntime,openvino)',
    )
    group.add_argument(
        '--precision',
        type=one_of(FLOATS),
        action='extend',
        metavar='TYPE[,TYPE]',
        help=f'precision of the graphs for tensorrt: {", ".join(FLOATS)} (default: float16); all '
        'others are float32',
    )
    group.add_argument(
        '--plain',
        action='store_true',
        help='export the network as published, without the rewrites that make it faster',
    )
    group.add_argument(
        '--fused-attention',
        action='store_true',
        help='add a graph for onnxruntime that uses its own attention operator',
    )
    group.add_argument(
        '--single-task',
        action=argparse.BooleanOptionalAction,
        default=True,
        help='also write graphs for labels only and for depth only (default: yes)',
    )
    group.add_argument(
        '--torchscript',
        action='store_true',
        help='also write TorchScript files next to the folder',
    )
    group.add_argument(
        '--opset', type=int, default=_OPSET, help='ONNX opset, 17 to 20 (default: 17)'
    )


def run(args: argparse.Namespace) -> int:
    """
    Export, then load the bundle with its golden check.

    :raises CheckpointError: The checkpoint cannot be used.
    :raises ExportError: What was exported does not compute what the checkpoint does.
    :raises BundleError: The bundle does not do so when it is loaded.
    """
    if len(args.checkpoint) > 2:
        raise ValueError(f'expected one checkpoint or two, got {len(args.checkpoint)}')
    _refuse_unused(args)
    require_new(args.out, 'folder of the bundle', overwrite=args.overwrite)
    with Progress('exporting'):
        made = _made(args)
        for part in made.parts():
            sys.stdout.write(f'{summary(part)}{_reloaded(part)}\n')
    return 0


def _refuse_unused(args: argparse.Namespace) -> None:
    if len(args.checkpoint) == 1:
        reason = 'applies to the second of two networks, there is one'
        refuse(args, add_arguments, _OF_EACH[1], reason)
        return
    checkpoints = [is_checkpoint(source) for source in args.checkpoint]
    for source, options, exported in zip(args.checkpoint, _OF_EACH, checkpoints, strict=True):
        if not exported:
            refuse(args, add_arguments, options, f'applies to a checkpoint, {source} is none')
    if not any(checkpoints):
        refuse(args, add_arguments, _OF_CHECKPOINTS, 'applies to checkpoints, neither is one')


def _made(args: argparse.Namespace) -> Bundle:
    if len(args.checkpoint) == 1:
        return _export(args, args.checkpoint[0], args.out)
    from segformer_ros.export.checkpoint_export import export_checkpoint
    from segformer_ros.export.pair_export import export_pair, with_shared_encoder

    labels, depth = args.checkpoint
    shared = with_shared_encoder(labels, depth, (args.size, args.depth_size))
    if shared is not None:
        _report('both have the same encoder, which is computed once: one network for both tasks')
        return export_checkpoint(shared[0], args.out, shared[1], **_options(args, _licence(args)))
    exports = (partial(_export, args, labels), partial(_export, args, depth, second=True))
    return export_pair(labels, depth, args.out, exports)


def _export(args: argparse.Namespace, source: str, out: Path, *, second: bool = False) -> Bundle:
    """Export one checkpoint; the second of two has a size and a licence of its own."""
    from segformer_ros.export.checkpoint_export import export_checkpoint

    size, licence = (args.depth_size, args.depth_licence) if second else (args.size, args.licence)
    return export_checkpoint(source, out, size, **_options(args, licence))


def _licence(args: argparse.Namespace) -> str | None:
    """Name the licence of one network made of two; None: what the checkpoints say."""
    found: tuple[str | None, str | None] = args.licence, args.depth_licence
    if found == (None, None) or found[0] == found[1]:
        return found[0]
    labels, depth = (item or 'unknown' for item in found)
    return f'labels {labels}, depth {depth}'


def _options(args: argparse.Namespace, licence: str | None) -> dict[str, Any]:
    from segformer_ros.export.variants import ExportOptions

    return {
        'notes': args.notes,
        'licence': licence,
        'focal_length_px': args.focal_length,
        'options': ExportOptions(
            targets=tuple(dict.fromkeys(args.target or ('onnxruntime', 'openvino'))),
            precisions=tuple(dict.fromkeys(args.precision or ())),
            plain=args.plain,
            fused_attention=args.fused_attention,
            single_task=args.single_task,
            opset=args.opset,
        ),
        'torchscript': args.torchscript,
        'report': _report,
    }


def _report(line: str) -> None:
    sys.stdout.write(f'{line}\n')
    sys.stdout.flush()


def summary(bundle: Bundle) -> str:
    """Return a line per graph with its largest difference from the network in torch."""
    lines = []
    for size in bundle.manifest.input_sizes:
        for graph in size.graphs:
            errors = ', '.join(f'{name} {error:.1e}' for name, error in graph.error.items())
            lines.append(f'{graph.file}: {graph.precision}, largest error {errors}\n')
    return ''.join(lines)


def _reloaded(bundle: Bundle) -> str:
    """Load the bundle as the run time does, where this machine has an engine for it."""
    from segformer_ros.inference.pipeline import Pipeline

    total = sum(file.stat().st_size for file in bundle.path.iterdir())
    text = f'{bundle.path}: {total / 1e6:.1f} MB'
    targets = {graph.target for graph in bundle.manifest.input_sizes[0].graphs}
    if not targets & {'any', 'onnxruntime'}:
        return f'{text}, for {", ".join(targets)} alone'
    pipeline = Pipeline.load(bundle.path, backend='onnxruntime', threads=1)
    return f'{text}, golden outputs reproduced by {pipeline.backend_name}'
