# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The arguments of `segformer evaluate MODEL DATA`, and the options they stand for."""

from __future__ import annotations

import argparse
from typing import Any, TYPE_CHECKING

from segformer_ros.inference.backend_table import LISTING, PRECISIONS

if TYPE_CHECKING:
    from segformer_ros.evaluation import Options

_RESIZES = ('fit', 'scale', 'aligned', 'multiple', 'exact')
_CROPS = ('none', 'garg', 'eigen', 'nyu', 'kitti', 'shift')


def pair(text: str) -> tuple[int, int]:
    """
    Read '512x1024' as two numbers.

    :raises argparse.ArgumentTypeError: It is no such text.
    """
    first, sign, second = text.partition('x')
    if not (sign and first.isdecimal() and second.isdecimal() and int(first) and int(second)):
        raise argparse.ArgumentTypeError(f'expected two numbers such as 512x1024, got {text!r}')
    return int(first), int(second)


def numbers(text: str) -> tuple[float, ...]:
    """
    Read '0.5,1,1.5' as numbers.

    :raises argparse.ArgumentTypeError: It is no such text.
    """
    try:
        return tuple(float(item) for item in text.split(',') if item)
    except ValueError as error:
        message = f'expected numbers such as 0.5,1,1.5, got {text!r}'
        raise argparse.ArgumentTypeError(message) from error


def names(text: str) -> tuple[str, ...]:
    """Read 'road,sky' as names."""
    return tuple(item.strip() for item in text.split(',') if item.strip())


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare everything that a dataset is measured with."""
    _add_network(parser.add_argument_group('network'))
    _add_inference(parser.add_argument_group('inference'))
    _add_labels(parser.add_argument_group('labels'))
    _add_depth(parser.add_argument_group('depth'))


def _add_network(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        '--backend',
        default='auto',
        metavar='NAME',
        help=f'inference backend of a bundle: {LISTING} (default: %(default)s); of a checkpoint '
        'on a CPU: torch computes it as it was trained, auto in a faster form',
    )
    group.add_argument(
        '--precision',
        choices=PRECISIONS,
        default='float32',
        help='precisions that auto may use: float32 only (default), or any',
    )
    group.add_argument(
        '--device',
        help='torch device that runs a checkpoint, such as cuda:0 (default: a GPU if there is '
        'one)',
    )
    group.add_argument(
        '--threads',
        type=int,
        default=0,
        help='number of inference threads of a bundle (default: 0, all CPUs)',
    )
    group.add_argument(
        '--label-set',
        help='label set of a checkpoint or bag that does not name it (default for bags: '
        'carla_0914)',
    )


def _add_inference(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        '--resize',
        choices=_RESIZES,
        default='fit',
        help='fit: as in the node (default); scale: as large as --scale allows; aligned: the '
        'same, rounded up to multiples of 32; multiple: resized once more to multiples '
        'of 32; exact: stretched to --input-size',
    )
    group.add_argument(
        '--scale',
        type=pair,
        metavar='LONGxSHORT',
        help='maximum length of the long and the short side, in pixels',
    )
    group.add_argument(
        '--input-size',
        type=pair,
        metavar='HxW',
        help='input size of the network, with --resize fit',
    )
    group.add_argument(
        '--window', type=pair, metavar='HxW', help='evaluate in sliding windows of this size'
    )
    group.add_argument(
        '--stride', type=pair, metavar='HxW', help='stride of the windows (default: their size)'
    )
    group.add_argument(
        '--ratios',
        type=numbers,
        default=(1.0,),
        metavar='R,R',
        help='average over several scales, such as 0.5,0.75,1,1.25,1.5,1.75',
    )
    group.add_argument(
        '--flip', action='store_true', help='average with the result on the mirrored image'
    )
    group.add_argument(
        '--average',
        choices=('logits', 'probabilities'),
        default='logits',
        help='what is averaged for the labels (default: %(default)s)',
    )


def _add_labels(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        '--classes-of',
        choices=('auto', 'network', 'dataset'),
        default='auto',
        help='whose classes are evaluated (auto: the finest that both have)',
    )
    group.add_argument(
        '--map',
        action='append',
        default=[],
        metavar='DATA=NETWORK',
        help='map a class of the dataset to a class of the network; may be repeated',
    )
    group.add_argument(
        '--ignore', type=names, default=(), metavar='CLASS,CLASS', help='exclude classes'
    )
    group.add_argument(
        '--count-ignored',
        action='store_true',
        help='count predictions on ignored pixels as false positives',
    )
    group.add_argument(
        '--rule', choices=('shift',), help='shift: the 14 classes of the SHIFT benchmark'
    )
    group.add_argument(
        '--no-boundary', action='store_true', help='skip the boundary figures, which take time'
    )


def _add_depth(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        '--min-depth',
        type=float,
        default=0.5,
        metavar='M',
        help='minimum ground-truth depth, in metres (default: %(default)s)',
    )
    group.add_argument(
        '--max-depth',
        type=float,
        default=80.0,
        metavar='M',
        help='maximum ground-truth depth, in metres (default: %(default)s)',
    )
    group.add_argument(
        '--crop',
        choices=_CROPS,
        default='none',
        help='evaluated crop of the image (default: %(default)s)',
    )
    group.add_argument('--clip', action='store_true', help='clip predictions to the range first')
    group.add_argument(
        '--bands',
        type=numbers,
        default=(10.0, 20.0, 40.0),
        metavar='M,M',
        help='upper ends of the distance bands, in metres (default: 10,20,40)',
    )
    group.add_argument(
        '--focal-length',
        type=float,
        metavar='PX',
        help='focal length in pixels, if the dataset does not contain it',
    )


def options(args: argparse.Namespace) -> Options:
    """
    Put the options together.

    :raises ValueError: They contradict each other.
    """
    from segformer_ros.evaluation import DepthRules, Inference, Options

    return Options(
        Inference(
            resize=args.resize,
            scale=args.scale,
            size=args.input_size,
            window=args.window,
            stride=args.stride,
            ratios=args.ratios,
            flip=args.flip,
            average=args.average,
        ),
        _label_rules(args),
        DepthRules(args.min_depth, args.max_depth, args.crop, args.clip, args.bands),
        args.focal_length,
    )


def _label_rules(args: argparse.Namespace) -> Any:
    from segformer_ros.evaluation.evaluated_classes import LabelRules, SHIFT_IGNORED

    rules = {}
    for text in args.map:
        own, sign, other = text.partition('=')
        if not (sign and own):
            raise ValueError(f'expected --map DATA=NETWORK such as vehicle=car, got {text!r}')
        rules[own] = other
    shift = args.rule == 'shift'
    return LabelRules(
        classes_of=args.classes_of,
        ignore=(*args.ignore, *(SHIFT_IGNORED if shift else ())),
        count_ignored=args.count_ignored or shift,
        rules=rules,
        boundaries=not args.no_boundary,
    )
