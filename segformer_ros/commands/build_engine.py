# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""segformer build-engine: compile a network for a GPU, ahead of the first frame."""

from __future__ import annotations

import argparse
from pathlib import Path
import re
import sys
import time

from segformer_ros import bundle as bundles
from segformer_ros.commands.export import input_sizes
from segformer_ros.engines.builder_process import BuildHandle, FinishedBuild, start_build
from segformer_ros.engines.cache import EngineCache, Entry
from segformer_ros.engines.errors import EngineError
from segformer_ros.engines.request import BuildOptions, BuildRequest, CURRENT, HARDWARE, PRECISIONS
from segformer_ros.engines.trt_variant import TRT_VARIANTS
from segformer_ros.inference.engine_request import engine_request
from segformer_ros.progress import PERIOD_S
from tqdm import tqdm

HELP = 'compile a network with TensorRT for a GPU, ahead of time'
_EPILOG = """\
Engines are kept in the user's cache (~/.cache/segformer_ros/engines) and found there by
everything that runs networks. An engine is machine code: build it where it will run, or copy it
only from a machine that you trust. The same command again takes the engine from the cache.
"""
_POLL_S = 0.1
_BAR = '{desc} {percentage:3.0f}%|{bar}| {elapsed}{postfix}'
_PHASE_WIDTH = 40


def batch(text: str) -> tuple[int, int]:
    """
    Read '6' or '1..6' as fewest and most images; one number is the most.

    :raises argparse.ArgumentTypeError: It is no such text.
    """
    found = re.fullmatch(r'(?:(\d+)\.\.)?(\d+)', text)
    low, high = (int(found.group(1) or 1), int(found.group(2))) if found else (0, 0)
    if not 1 <= low <= high:
        raise argparse.ArgumentTypeError(f'expected a number such as 6, or 1..6, got {text!r}')
    return low, high


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument('model', nargs='?', metavar='BUNDLE', help='name or folder of a bundle')
    parser.add_argument(
        '--precision',
        choices=PRECISIONS,
        default='float16',
        metavar='TYPE',
        help=f'{", ".join(PRECISIONS)}; the bundle must have a graph of it (default: %(default)s)',
    )
    parser.add_argument(
        '--size',
        type=input_sizes,
        action='extend',
        metavar='HxW[,HxW]',
        help='input sizes of the bundle to build for (default: all)',
    )
    parser.add_argument(
        '--batch',
        type=batch,
        default=(1, 1),
        metavar='N|A..B',
        help='maximum batch size, or minimum and maximum; tuned for the maximum (default: 1)',
    )
    parser.add_argument(
        '--device',
        default=CURRENT,
        help='current, or sm86, sm89, sm120, ... for another machine, which needs '
        'tensorrt_rtx (default: %(default)s)',
    )
    parser.add_argument(
        '--trt-variant',
        choices=('auto', *TRT_VARIANTS),
        default='auto',
        help='variant of TensorRT (default: %(default)s)',
    )
    _add_options(parser.add_argument_group('builder options'))
    _add_cache(parser.add_argument_group('cache'))


def _add_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        '--workspace-gb', type=float, metavar='GB', help='maximum GPU memory for one layer'
    )
    group.add_argument(
        '--optimization-level',
        type=int,
        metavar='0..5',
        help='0 builds fastest, 5 searches longest (default: that of TensorRT)',
    )
    group.add_argument(
        '--version-compatible',
        action='store_true',
        help='make the engine run with later versions of TensorRT too; a little slower',
    )
    group.add_argument(
        '--hardware-compatible',
        choices=HARDWARE,
        default='none',
        metavar='LEVEL',
        help='ampere_plus or same_compute_capability: make the engine run on those GPUs too; '
        'slower (default: none)',
    )


def _add_cache(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        '--cache', type=Path, metavar='DIR', help='folder in which engines are kept'
    )
    group.add_argument(
        '--cache-gb',
        type=float,
        default=4.0,
        metavar='GB',
        help='maximum size of the cache; the least recently used engines are removed first '
        '(default: %(default)s)',
    )
    group.add_argument('--list', action='store_true', help='list the cached engines')
    group.add_argument(
        '--remove',
        nargs='+',
        metavar='KEY',
        help="remove engines by their key in --list, or 'all'",
    )


def run(args: argparse.Namespace) -> int:
    """
    Build the engines of a bundle, or look after those that are kept.

    :raises BundleError: The bundle is missing, damaged or has no such graph.
    :raises EngineError: An engine cannot be built or kept.
    """
    if args.list or args.remove:
        cache = EngineCache(args.cache)
        if args.remove:
            _remove(cache, args.remove)
        if args.list:
            _list(cache)
        return 0
    if args.model is None:
        raise EngineError('expected the name or the folder of a bundle, got none')
    for request in _requests(args):
        _show(_build(request))
    return 0


def _requests(args: argparse.Namespace) -> list[BuildRequest]:
    bundle = bundles.read(bundles.find(args.model))
    return [request for part in bundle.parts() for request in _requests_of(part, args)]


def _requests_of(bundle: bundles.Bundle, args: argparse.Namespace) -> list[BuildRequest]:
    known = {(size.height, size.width): size for size in bundle.manifest.input_sizes}
    for size in args.size or ():
        if size not in known:
            names = ', '.join(f'{height}x{width}' for height, width in known)
            raise EngineError(
                f'expected an input size of the bundle ({names}), got {size[0]}x{size[1]}: '
                'choose one of them, or export the network for this size'
            )
    options = BuildOptions(
        workspace_gb=args.workspace_gb,
        optimization_level=args.optimization_level,
        version_compatible=args.version_compatible,
        hardware_compatible=args.hardware_compatible,
    )
    return [
        engine_request(
            bundle,
            known[size],
            precision=args.precision,
            images=args.batch,
            device=args.device,
            trt_variant=args.trt_variant,
            options=options,
            cache=args.cache,
            limit_bytes=int(args.cache_gb * 1e9),
        )
        for size in dict.fromkeys(args.size or known)
    ]


def _build(request: BuildRequest) -> FinishedBuild:
    """Build, with a bar; Ctrl-C ends the build and leaves nothing."""
    bar = tqdm(
        total=1.0, desc=request.name, bar_format=_BAR, disable=None, leave=False, ascii=True
    )
    said_s = time.monotonic()
    with bar, start_build(request) as handle:
        while True:
            try:
                return handle.result(_POLL_S)
            except TimeoutError:
                _advance(bar, handle)
            if bar.disable and time.monotonic() - said_s >= PERIOD_S:
                said_s, progress = time.monotonic(), handle.progress()
                line = f'{request.name}: {progress.fraction:.0%}, {progress.phase}'
                sys.stderr.write(f'{line}\n')
                sys.stderr.flush()


def _advance(bar: tqdm[None], handle: BuildHandle) -> None:
    progress = handle.progress()
    bar.n = progress.fraction
    bar.set_postfix_str(progress.phase[:_PHASE_WIDTH], refresh=False)
    bar.refresh()


def _show(built: FinishedBuild) -> None:
    for note in built.notes:
        sys.stderr.write(f'segformer: {note}\n')
    origin = 'from the cache' if built.reused else f'{built.elapsed_s:.1f} s in all'
    sys.stdout.write(f'{built.path}: {built.sidecar.summary()} ({origin})\n')
    sys.stdout.flush()


def _list(cache: EngineCache) -> None:
    entries = cache.entries()
    for entry in entries:
        sys.stdout.write(f'{entry.key}  {_line(entry)}\n')
    total = sum(entry.total_bytes for entry in entries)
    sys.stdout.write(f'{len(entries)} engine(s), {total / 1e6:.1f} MB in {cache.folder}\n')


def _line(entry: Entry) -> str:
    used = time.strftime('%Y-%m-%d %H:%M', time.localtime(entry.used_at))
    if entry.sidecar is None:
        return f'damaged, {entry.total_bytes / 1e6:.1f} MB, written {used}'
    return f'{entry.sidecar.summary()}, used {used}'


def _remove(cache: EngineCache, keys: list[str]) -> None:
    known = [entry.key for entry in cache.entries()]
    chosen = known if keys == ['all'] else []
    for key in keys if keys != ['all'] else ():
        found = [item for item in known if item.startswith(key)]
        if len(found) != 1:
            raise EngineError(
                f'expected the key of one engine, {key!r} fits {len(found)}: see --list'
            )
        chosen += found
    for key in chosen:
        if not cache.remove(key):
            raise EngineError(f'{key} is being built: wait, or end that build')
        sys.stdout.write(f'{key} removed\n')
