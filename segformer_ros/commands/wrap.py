# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""segformer wrap: make a bundle of ONNX graphs that another program wrote."""

from __future__ import annotations

import argparse
from pathlib import Path
import sys
from typing import TYPE_CHECKING

from segformer_ros.commands.export import input_size
from segformer_ros.commands.unused_options import refuse
from segformer_ros.run_folder import require_new

if TYPE_CHECKING:
    from segformer_ros.export.foreign.wrapped_graph import WrapOptions

HELP = 'make a bundle of an ONNX graph of another program'
_KINDS = (
    'logits', 'probabilities', 'class_ids', 'depth', 'log_depth', 'inverse_depth',
    'relative_depth', 'relative_inverse_depth',
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        'graph', nargs='+', type=Path, help='ONNX files of one network, one for each input size'
    )
    parser.add_argument('out', type=Path, help='folder of the bundle; its name names the network')
    parser.add_argument(
        '--task', required=True, choices=('segmentation', 'depth'), help='what the network does'
    )
    parser.add_argument(
        '--classes',
        metavar='SET|FILE',
        help='class of each channel: name of a label set, config.json of Hugging Face (or its '
        'folder), or a file with a name on each line',
    )
    parser.add_argument(
        '--overwrite', action='store_true', help='replace an earlier bundle in the folder'
    )
    _add_input_arguments(parser.add_argument_group('input'))
    _add_output_arguments(parser.add_argument_group('output'))
    group = parser.add_argument_group('origin')
    group.add_argument('--licence', default='unknown', help='licence of the weights')
    group.add_argument('--source', default='unknown', help='address that the weights come from')
    group.add_argument(
        '--notes', default='', help='sentence that `segformer info` shows with the origin'
    )


def _add_input_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        '--mean',
        nargs='+',
        metavar='NUMBER',
        help='mean of red, green and blue on the 0 to 1 scale, or one word: imagenet, half '
        '(-1 to 1), unit (0 to 1), bytes (0 to 255)',
    )
    group.add_argument(
        '--std', nargs=3, default=[], metavar='NUMBER', help='std of red, green and blue'
    )
    group.add_argument(
        '--preprocessor',
        type=Path,
        metavar='FILE',
        help='preprocessor_config.json of Hugging Face, or its folder, in place of --mean, --std '
        'and --resize',
    )
    group.add_argument(
        '--resize',
        choices=('pad', 'stretch'),
        help='keep the aspect ratio of images and pad them, or stretch them over the input '
        '(default: what --preprocessor says, else pad)',
    )
    group.add_argument(
        '--channels',
        choices=('rgb', 'bgr'),
        default='rgb',
        help='channel order of the input (default: %(default)s)',
    )
    group.add_argument('--input', metavar='NAME', help='name of the input (default: the only one)')
    group.add_argument(
        '--layout', choices=('nchw', 'nhwc'), help='axes of the input (default: what it says)'
    )
    group.add_argument(
        '--size',
        type=input_size,
        metavar='HxW',
        help='input size of a graph with free axes; it must have been exported for it',
    )


def _add_output_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        '--output', metavar='NAME', help='name of the output (default: the only one)'
    )
    group.add_argument(
        '--kind', choices=_KINDS, help='what the output is (default: inferred for segmentation)'
    )
    group.add_argument(
        '--scale',
        type=float,
        default=1.0,
        help='factor from the output to metres or 1/m (default: %(default)s)',
    )
    group.add_argument(
        '--shift',
        type=float,
        default=0.0,
        help='number added after --scale (default: %(default)s)',
    )
    group.add_argument(
        '--depth-range',
        type=float,
        nargs=2,
        default=(0.1, 200.0),
        metavar=('MIN', 'MAX'),
        help='range of plausible depths, in metres (default: 0.1 200)',
    )
    group.add_argument(
        '--focal-length',
        metavar='PX',
        help='focal length, in pixels of the input, of the camera for which depth is in metres; '
        'none: depth is not scaled',
    )


def run(args: argparse.Namespace) -> int:
    """
    Wrap, then load the bundle with its golden check.

    :raises ExportError: A graph cannot be used.
    :raises ValueError: The arguments contradict each other or something is missing.
    :raises BundleError: The bundle cannot be written, or does not compute the same when loaded.
    """
    from segformer_ros.export.foreign.wrapping import wrap_graphs
    from segformer_ros.inference import backend_choice

    require_new(args.out, 'folder of the bundle', overwrite=args.overwrite)
    made = wrap_graphs(args.graph, args.out, _options(args), _report)
    loaded = backend_choice.load('onnxruntime', made, threads=1)
    _report(f'{made.path}: golden outputs reproduced by {loaded.backend.name}')
    loaded.backend.close()
    return 0


def _options(args: argparse.Namespace) -> WrapOptions:
    from segformer_ros.export.foreign.class_list import read_classes
    from segformer_ros.export.foreign.meaning import KINDS
    from segformer_ros.export.foreign.normalisation import read_processor, read_words
    from segformer_ros.export.foreign.wrapped_graph import WrapOptions

    if args.kind is not None and args.kind not in KINDS[args.task]:
        raise ValueError(f'expected --kind {", ".join(KINDS[args.task])}, got {args.kind}')
    _refuse_unused(args)
    if args.preprocessor is None and args.mean is None:
        raise ValueError(
            'the graph does not say how images are normalised: give --preprocessor FILE, or '
            '--mean with --std or one word (imagenet, half, unit, bytes)'
        )
    if args.preprocessor is not None and args.mean is not None:
        raise ValueError('give --preprocessor or --mean, not both')
    if args.task == 'segmentation' and args.classes is None:
        raise ValueError('the graph does not name its classes: give --classes SET or FILE')
    focal_length = _focal_length(args)
    if not 0 < args.depth_range[0] < args.depth_range[1] < float('inf'):
        raise ValueError('expected --depth-range MIN MAX in metres, 0 < MIN < MAX')
    how = (
        read_processor(args.preprocessor) if args.mean is None else read_words(args.mean, args.std)
    )
    _report(f'mean {_three(how.mean)}, std {_three(how.std)}: {how.source}')
    label_set, classes = read_classes(args.classes) if args.classes else ('unknown', ())
    if args.task == 'segmentation':
        _report(f'{len(classes)} classes of label set {label_set}')
    return WrapOptions(
        task=args.task,
        normalisation=how,
        label_set=label_set,
        classes=classes if args.task == 'segmentation' else (),
        kind=args.kind,
        size=args.size,
        input_name=args.input,
        layout=args.layout,
        output=args.output,
        bgr=args.channels == 'bgr',
        resize=args.resize or how.resize or 'pad',
        scale=args.scale,
        shift=args.shift,
        depth_range_m=tuple(args.depth_range),
        focal_length_px=focal_length,
        licence=args.licence,
        source=args.source,
        notes=args.notes,
    )


def _refuse_unused(args: argparse.Namespace) -> None:
    if args.task == 'segmentation':
        depth = ('--scale', '--shift', '--depth-range', '--focal-length')
        refuse(args, add_arguments, depth, 'applies to --task depth, not to segmentation')
    else:
        refuse(args, add_arguments, ['--classes'], 'applies to --task segmentation, not to depth')
    if _is_relative(args):
        reason = 'applies to metres, which relative depth does not have'
        refuse(args, add_arguments, ['--focal-length', '--depth-range'], reason)
    if args.preprocessor is not None:
        refuse(args, add_arguments, ['--std'], 'applies to --mean, not to --preprocessor')


def _is_relative(args: argparse.Namespace) -> bool:
    return (args.kind or '').startswith('relative')


def _focal_length(args: argparse.Namespace) -> float | None:
    if args.task == 'segmentation' or _is_relative(args) or args.focal_length == 'none':
        return None
    if args.focal_length is None:
        raise ValueError(
            'the graph does not say for which camera its depth is in metres: give --focal-length '
            'PX in pixels of the input, or --focal-length none where any camera is right'
        )
    try:
        value = float(args.focal_length)
    except ValueError:
        value = 0.0
    if not 0.0 < value < float('inf'):
        raise ValueError(f'expected --focal-length in pixels or none, got {args.focal_length!r}')
    return value


def _three(values: tuple[float, float, float]) -> str:
    return ' '.join(f'{value:.4g}' for value in values)


def _report(line: str) -> None:
    sys.stdout.write(f'{line}\n')
    sys.stdout.flush()
