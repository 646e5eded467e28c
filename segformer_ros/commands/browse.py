# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""segformer browse: a picture of a dataset, and of what a recipe makes of it."""

from __future__ import annotations

import argparse
from pathlib import Path
import sys
from typing import TYPE_CHECKING

from segformer_ros.commands.data_arguments import add_data_arguments, data_spec

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from segformer_ros.datasets import Dataset, Sample
    from segformer_ros.draw import Image
    from segformer_ros.labels import LabelSet
    from segformer_ros.training.augment import Augmentation

HELP = 'show samples of a dataset, and their augmentation by a recipe'

_CELL_PX = 384
_NAME_LENGTH = 40
_JPEG_PX = 65_500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_data_arguments(parser)
    parser.add_argument(
        '--recipe',
        metavar='NAME|FILE',
        help='also show samples augmented as in this recipe, a YAML file or a shipped one by name',
    )
    parser.add_argument(
        '--stage',
        type=int,
        default=0,
        metavar='N',
        help='stage of the recipe, counted from 0 (default: 0)',
    )
    parser.add_argument('--max-frames', type=int, default=4, help='number of samples (default: 4)')
    parser.add_argument(
        '--variants',
        type=int,
        default=3,
        help='augmented versions of each sample, with a recipe (default: 3)',
    )
    parser.add_argument(
        '--seed',
        type=int,
        default=0,
        help='seed of the choice of samples and of their augmentation (default: 0)',
    )
    parser.add_argument(
        '--max-depth',
        type=float,
        default=80.0,
        metavar='M',
        help='depth at the end of the colour scale, in metres (default: 80)',
    )
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('browse.jpg'),
        metavar='FILE',
        help='JPEG or PNG to write (default: browse.jpg)',
    )


def run(args: argparse.Namespace) -> int:
    """
    Write the picture.

    :raises ValueError: The data, the recipe or an argument cannot be used.
    :raises OSError: A file cannot be read or written.
    """
    from segformer_ros import run_folder
    from segformer_ros.datasets import open_dataset

    if args.max_frames < 1 or args.variants < 1:
        raise ValueError('--max-frames and --variants must be at least 1')
    if args.out.suffix.lower() not in {'.jpg', '.jpeg', '.png'}:
        raise ValueError(f'expected a .jpg or .png as --out, got {args.out}')
    dataset = open_dataset(data_spec(args))
    augmentation = None
    if args.recipe is not None:
        from segformer_ros.training.augment import make_augmentation
        from segformer_ros.training.recipe import read_augment

        config = read_augment(args.recipe, stage=args.stage)
        augmentation = make_augmentation(config, classes=_ids(dataset.label_set))
    blocks = _blocks(dataset, augmentation, args)
    picture = _sheet(blocks, dataset.label_set, args.max_depth)
    run_folder.write_bytes(args.out, _encode(picture, args.out.suffix.lower()))
    augmented = '' if augmentation is None else f', {args.variants} augmentations of each'
    sys.stdout.write(f'{args.out}: {len(blocks)} of {len(dataset)} samples{augmented}\n')
    return 0


def _ids(label_set: LabelSet | None) -> npt.NDArray[np.uint8] | None:
    import numpy as np

    return None if label_set is None else np.array(label_set.ids, np.uint8)


def _blocks(
    dataset: Dataset, augmentation: Augmentation | None, args: argparse.Namespace
) -> list[list[tuple[str, Sample]]]:
    """Return every sample and its augmentations with captions, shrunk to the size of a cell."""
    import numpy as np

    if not len(dataset):
        raise ValueError('expected samples, the dataset has none: choose another --split')
    order = np.random.default_rng(args.seed).permutation(len(dataset))[: args.max_frames]
    blocks = []
    for index in sorted(order.tolist()):
        sample = dataset[index]
        block = [(_text(sample, sample.name[-_NAME_LENGTH:]), _fitted(sample))]
        if augmentation is not None:
            rng = np.random.default_rng((args.seed, index))
            varied = [augmentation(sample, rng) for _ in range(args.variants)]
            block += [(_text(item), _fitted(item)) for item in varied]
        blocks.append(block)
    return blocks


def _text(sample: Sample, name: str = '') -> str:
    height, width = sample.image.shape[:2]
    words = [name, f'{width}x{height}']
    if sample.intrinsics is not None:
        words.append(f'f {sample.intrinsics.fx:.0f} px')
    return ', '.join(word for word in words if word).encode('ascii', 'replace').decode()


def _fitted(sample: Sample) -> Sample:
    """Shrink a sample to a cell."""
    from segformer_ros.training.augment.geometry import Geometry, transform

    height, width = sample.image.shape[:2]
    share = min(1.0, _CELL_PX / max(height, width))
    size = (max(1, round(height * share)), max(1, round(width * share)))
    return transform(sample, Geometry(0, 0, height, width, size))


def _sheet(
    blocks: list[list[tuple[str, Sample]]], label_set: LabelSet | None, max_depth_m: float
) -> Image:
    """
    Lay out the samples.

    Alone, a sample is a row of image, labels and depth; with augmentations it is a column of them,
    and the augmentations are next to it.
    """
    from segformer_ros.draw import contact_sheet

    samples = [sample for block in blocks for _, sample in block]
    kinds = ['image']
    if label_set is not None:
        kinds.append('labels')
    if any(sample.depth is not None for sample in samples):
        kinds.append('depth')
    cells = [
        _cell(kind, text, sample, label_set, max_depth_m)
        for block in blocks
        for kind in kinds
        for text, sample in block
    ]
    sheet = contact_sheet(cells, len(blocks[0]) if len(blocks[0]) > 1 else len(kinds))
    return sheet if label_set is None else _with_legend(sheet, samples, label_set)


def _with_legend(sheet: Image, samples: list[Sample], label_set: LabelSet) -> Image:
    import cv2
    import numpy as np
    from segformer_ros.draw import legend

    seen: set[int] = set()
    for sample in samples:
        if sample.labels is not None:
            seen.update(np.unique(sample.labels).tolist())
    names = legend([item for item in label_set.classes if item.id in seen])
    height = max(sheet.shape[0], names.shape[0])
    parts = []
    for part in (sheet, names):
        low = height - part.shape[0]
        parts.append(cv2.copyMakeBorder(part, 0, low, 0, 0, cv2.BORDER_CONSTANT, value=(24,) * 3))
    return np.asarray(cv2.hconcat(parts), np.uint8)


def _cell(
    kind: str, text: str, sample: Sample, label_set: LabelSet | None, max_depth_m: float
) -> Image:
    import numpy as np
    from segformer_ros.draw import caption, overlay, put_depth_scale

    if kind == 'image':
        return caption(sample.image, text)
    if kind == 'labels' and sample.labels is not None and label_set is not None:
        return caption(overlay(sample.image, sample.labels, label_set.palette(), 0.65), kind)
    if kind == 'depth' and sample.depth is not None:
        picture = caption(_depth(sample.depth, max_depth_m), f'depth, 1 to {max_depth_m:g} m')
        put_depth_scale(picture, max_depth_m)
        return picture
    return caption(np.zeros_like(sample.image), f'no {kind}')


def _depth(depth: npt.NDArray[np.float32], max_m: float) -> Image:
    """Paint depth, single points larger than they are."""
    import cv2
    import numpy as np
    from segformer_ros.draw import colorize_depth
    from segformer_ros.training.augment.geometry import SPARSE_SHARE

    colors = colorize_depth(depth, max_m)
    known = np.isfinite(depth)
    if np.count_nonzero(known) < SPARSE_SHARE * depth.size:
        # Without the grey of what is unknown, which would win over dark colours.
        kernel = np.ones((3, 3), np.uint8)
        points = cv2.dilate(np.where(known[..., None], colors, np.uint8(0)), kernel)
        near = cv2.dilate(known.astype(np.uint8), kernel) > 0
        colors = np.where(near[..., None], points, colors).astype(np.uint8)
    return colors


def _encode(picture: Image, suffix: str) -> bytes:
    import cv2
    from segformer_ros.image_encoding import encode_jpeg

    if suffix != '.png' and max(picture.shape) > _JPEG_PX:
        raise ValueError(
            'a JPEG cannot hold so many samples: write a .png or a smaller --max-frames'
        )
    if suffix != '.png':
        return encode_jpeg(picture, 88)
    return cv2.imencode(suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes()
