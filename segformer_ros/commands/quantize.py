# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""segformer quantize: add graphs in int8 or fp8 to a bundle, for TensorRT."""

from __future__ import annotations

import argparse
from pathlib import Path
import sys

from segformer_ros import bundle as bundles
from segformer_ros.commands.calibration import calibration_images
from segformer_ros.progress import Progress
from segformer_ros.run_folder import require_new

HELP = 'add graphs in int8 or fp8 to a bundle, for TensorRT'
_EPILOG = """\
Needs NVIDIA ModelOpt, which is not installed with this package: docs/tensorrt.md says how.
Convolutions are quantised, the rest stays float32. The result is compared with the network on
the golden image of each input size, and nothing is written if it is too far from it.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument('model', metavar='BUNDLE', help='name or folder of a bundle')
    parser.add_argument('out', type=Path, help='folder for the new bundle')
    parser.add_argument(
        '--overwrite', action='store_true', help='replace an earlier bundle in the folder'
    )
    parser.add_argument(
        '--calibration',
        required=True,
        metavar='DATA',
        help='images like those that the network will see: a folder, a bag or a dataset '
        '(world, shift:PATH)',
    )
    parser.add_argument(
        '--topic',
        action='append',
        default=[],
        help='image topic of a bag with several cameras; may be repeated',
    )
    parser.add_argument(
        '--images',
        type=int,
        default=64,
        metavar='N',
        help='number of calibration images (default: %(default)s)',
    )
    parser.add_argument(
        '--precision',
        choices=('int8', 'fp8'),
        default='int8',
        help='precision of the new graphs (default: %(default)s)',
    )


def run(args: argparse.Namespace) -> int:
    """
    Quantise a bundle.

    :raises BundleError: A quantised graph does not compute what the network does.
    :raises ValueError: There are no calibration images.
    """
    from segformer_ros.export.modelopt import quantized, require
    from segformer_ros.export.quantize import quantize_bundle

    source = bundles.read(bundles.find(args.model))
    if source.networks:
        raise ValueError(
            f'{args.model} has two networks: quantise each, then put them together with '
            'segformer export LABELS DEPTH OUT'
        )
    require()
    require_new(args.out, 'folder of the new bundle', overwrite=args.overwrite)
    images = calibration_images(args.calibration, args.images, args.topic)
    with Progress('quantising'):
        made = quantize_bundle(
            source, args.out, images, precision=args.precision, quantizer=quantized
        )
    for size in made.manifest.input_sizes:
        graph = size.graph('tensorrt', precision=args.precision)
        errors = ', '.join(f'{name} {error:.1e}' for name, error in graph.error.items())
        sys.stdout.write(f'{graph.file}: {graph.precision}, largest error {errors}\n')
    sys.stdout.write(f'{made.path}: calibrated with {len(images)} images\n')
    return 0
