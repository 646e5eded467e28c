# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`segformer attention`: what one pixel attends to, in every stage and head, as a picture."""

from __future__ import annotations

import argparse
from pathlib import Path
import sys
from typing import Any

from segformer_ros import run_folder
from segformer_ros.bundle import folder as bundle_folder
from segformer_ros.commands.export import input_size
from segformer_ros.progress import Progress

HELP = 'draw the attention maps of a network'

_EPILOG = """
Every panel is one head of the last block of a stage: how the marked pixel shares its
attention among the keys, each of which covers 32 x 32 pixels of the input. The shares of
a head sum to 1; the title has the largest one. The mean of a stage follows its heads.

A bundle has no attention to show, because its graphs give only labels and depth: MODEL is a
checkpoint of any layout that `segformer convert` reads, also one of an encoder alone,
or hf://org/name.
"""


def pixel(text: str) -> tuple[int, int]:
    """
    Read '640,400' as (column, row).

    :raises argparse.ArgumentTypeError: It is no such text.
    """
    try:
        x, y = (int(part) for part in text.split(','))
    except ValueError as error:
        message = f'expected a pixel such as 640,400 (column, row), got {text!r}'
        raise argparse.ArgumentTypeError(message) from error
    return x, y


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument('input', type=Path, help='image or video')
    parser.add_argument('--model', required=True, help='checkpoint: file, folder or hf://org/name')
    parser.add_argument(
        '--out',
        type=Path,
        required=True,
        metavar='FILE',
        help='file to write: .png for an image, .mp4 for a video',
    )
    parser.add_argument(
        '--query', type=pixel, metavar='X,Y', help='pixel of the image (default: its middle)'
    )
    parser.add_argument(
        '--size',
        type=input_size,
        metavar='HxW',
        help='input of the network, multiples of 32 (default: that of the image, at most 1024)',
    )
    parser.add_argument('--max-frames', type=int, metavar='N', help='stop a video after N frames')


def run(args: argparse.Namespace) -> int:
    """
    Draw.

    :raises ValueError: The input or an argument has no sense, or MODEL is a bundle.
    :raises CheckpointError: The checkpoint cannot be used.
    """
    from segformer_ros.files import images

    if args.max_frames is not None and args.max_frames < 1:
        raise ValueError(f'--max-frames must be at least 1, not {args.max_frames}')
    if not args.input.is_file():
        found = 'a folder' if args.input.is_dir() else 'nothing'
        raise ValueError(f'expected an image or a video, found {found} at {args.input}')
    still = images.is_image(args.input)
    suffix, kind = ('.png', 'an image') if still else ('.mp4', 'a video')
    if args.out.suffix.lower() != suffix:
        raise ValueError(f'--out of {kind} must end in {suffix}, not in {args.out.suffix!r}')
    painter = _painter(args)
    if still:
        picture = painter.draw(images.read(args.input), args.query)
        run_folder.write_bytes(args.out, images.encode_png(picture))
        sys.stdout.write(f'{args.out}: {picture.shape[1]}x{picture.shape[0]}\n')
    else:
        _draw_video(args, painter)
    return 0


def _painter(args: argparse.Namespace) -> Any:
    is_folder = (Path(args.model).expanduser() / 'manifest.json').is_file()
    if is_folder or args.model in bundle_folder.known_names():
        raise ValueError(
            f'{args.model} is a bundle, whose graphs keep no attention: '
            'give the checkpoint that it was exported from (--model weights.safetensors)'
        )
    from segformer_ros import checkpoints
    from segformer_ros.attention import AttentionPainter
    from segformer_ros.network.normalization import MEAN, STD

    model = checkpoints.load_encoder(args.model)
    network: Any = model.build()
    return AttentionPainter(
        network.encoder,
        mean=model.facts.get('mean') or MEAN,
        std=model.facts.get('std') or STD,
        size=args.size,
        name=Path(args.model).name,
    )


def _draw_video(args: argparse.Namespace, painter: Any) -> None:
    from segformer_ros.files.video import VideoReader
    from segformer_ros.files.video_writer import VideoWriter

    args.out.parent.mkdir(parents=True, exist_ok=True)
    done = broken = 0
    with (
        VideoReader(args.input) as reader,
        VideoWriter(args.out, reader.rate) as writer,
        Progress('drawing', min(reader.count, args.max_frames or reader.count)) as progress,
    ):
        for frame in reader:
            progress.update()
            if frame.index == args.max_frames:
                break
            if frame.image is None:
                broken += 1
                continue
            writer.add(painter.draw(frame.image, args.query), frame.time_s)
            done += 1
    if not done:
        raise ValueError(f'expected a video with pictures in {args.input}, found none to decode')
    lost = f', {broken} could not be read' if broken else ''
    sys.stdout.write(f'{args.out}: {done} frames{lost}\n')
