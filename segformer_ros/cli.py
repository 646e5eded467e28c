# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The `segformer` command: finds the sub-command, runs it, says errors in one line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import importlib
import os
from pathlib import Path
import re
import sys
import warnings

from segformer_ros import interrupts, process_memory
from segformer_ros.nearest import did_you_mean

# The HELP of every module in commands/, here so that `segformer --help` imports none of them.
COMMANDS: dict[str, str] = {
    'run': 'predict labels and depth for images, a video or a bag',
    'label': 'label many bags, videos and folders of images with several workers',
    'info': 'show the facts of a network, and check that it is intact',
    'view': 'show a bag, a video, images or live topics in the browser',
    'demo': 'run everything once, without a camera or a simulator',
    'world': 'write frames of the built-in world, to look at or to train from',
    'train': 'train a network',
    'init-from': 'extract the encoder of a checkpoint, to start a training from',
    'convert': 'convert a checkpoint to the format of another program, and verify the result',
    'export': 'export a checkpoint to a bundle that can be deployed',
    'wrap': 'make a bundle of an ONNX graph of another program',
    'quantize': 'add graphs in int8 or fp8 to a bundle, for TensorRT',
    'build-engine': 'compile a network with TensorRT for a GPU, ahead of time',
    'bench': 'benchmark a network on every backend of this machine',
    'browse': 'show samples of a dataset, and their augmentation by a recipe',
    'evaluate': 'evaluate a network against ground truth',
    'stats': 'count the classes of a dataset, and compute class weights for a loss',
    'record-dataset': 'turn recorded drives with ground truth into a dataset',
    'shards': 'write a dataset as tar shards, for data larger than a disk',
    'attention': 'draw the attention maps of a network',
}

# How `segformer --help` lists them; what stands in no group comes last.
_GROUPS: dict[str, tuple[str, ...]] = {
    'use': ('run', 'view', 'info', 'demo', 'world', 'label', 'attention'),
    'train': ('train', 'init-from', 'browse', 'stats', 'record-dataset', 'shards'),
    'convert': ('export', 'wrap', 'quantize', 'build-engine', 'convert'),
    'measure': ('evaluate', 'bench'),
}

# What brings the packages that only some installations have; this package is on no index.
_TRAIN = "pip install '.[train]' in the checkout of segformer_ros"
_INSTALL: dict[str, str] = {
    'torch': _TRAIN,
    'safetensors': _TRAIN,
    'lightning_fabric': _TRAIN,
    'tensorboard': _TRAIN,
    'wandb': 'pip install wandb',
    'huggingface_hub': _TRAIN,
    'onnx': _TRAIN,
    'onnxscript': _TRAIN,
    'jinja2': _TRAIN,
    'h5py': _TRAIN,
    'fsspec': _TRAIN,
    'ray': "pip install '.[fleet]' in the checkout of segformer_ros",
    'segmentation_models_pytorch': 'pip install segmentation-models-pytorch',
}


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run the command line.

    :param argv: The arguments without the name of the program; None takes those of the process.
    :returns: 0 for success, 1 for an error, 2 for wrong usage, 130 after Ctrl-C and 143 after
        SIGTERM.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    with interrupts.handled(None) as signals:
        code = _main(arguments, signals)
        signals.note()
        # What comes of a signal may be any error: a library has caught KeyboardInterrupt.
        return 128 + signals.number if code and signals.number else code


def _main(arguments: list[str], signals: interrupts.Interrupts) -> int:
    debug = '--debug' in arguments
    shown, warnings.formatwarning = warnings.formatwarning, _warning
    try:
        signals.begin()
        return _run(arguments)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has left (`segformer info | head`); nothing more to say to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        if debug:
            raise
        sys.stderr.write(f'segformer: error: {_sentence(error)}\n')
        return 1
    finally:
        warnings.formatwarning = shown


def _warning(message: Warning | str, *_where: object, **_source: object) -> str:
    """Print a warning in one line."""
    return f'segformer: warning: {" ".join(str(message).split())}\n'


def _run(arguments: list[str]) -> int:
    chosen = next((word for word in arguments if not word.startswith('-')), None)
    parser = argparse.ArgumentParser(
        prog='segformer',
        description='Semantic labels and metric depth from one camera image.',
        epilog=f'{_listing()}\n`segformer COMMAND --help` explains a command.',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--debug', action='store_true', help='show where an error comes from')
    if chosen is not None and chosen not in COMMANDS:
        near = did_you_mean(chosen, COMMANDS) or f', expected one of {", ".join(COMMANDS)}'
        parser.error(f'unknown command {chosen!r}{near}')
    commands = parser.add_subparsers(metavar='COMMAND', required=True)
    parsers = {}
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, description=f'{text[0].upper()}{text[1:]}.')
        parsers[name] = command
        if name == chosen:
            command.add_argument(
                '--debug', action='store_true', default=argparse.SUPPRESS, help=argparse.SUPPRESS
            )
            refuse_repeats(command)
            command.register('type', Path, _path)
            module = importlib.import_module(f'segformer_ros.commands.{name.replace("-", "_")}')
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    args, unknown = parser.parse_known_args(arguments)
    if unknown:
        # Their own parser names the command.
        parser = parsers.get(chosen or '', parser)
        options = re.findall(r'--[\w-]+', parser.format_usage())
        near = did_you_mean(unknown[0].partition('=')[0], options)
        parser.error(f'unrecognized arguments: {" ".join(unknown)}{near}')
    process_memory.keep_freed_memory()
    code: int = args.run(args)
    sys.stdout.flush()
    return code


def _listing() -> str:
    """List the commands in groups, a line each."""
    named = {name for names in _GROUPS.values() for name in names}
    groups = {**_GROUPS, 'more': tuple(name for name in COMMANDS if name not in named)}
    width = max(map(len, COMMANDS)) + 2
    lines = []
    for title, names in groups.items():
        rows = [f'  {name:<{width}}{COMMANDS[name]}' for name in names if name in COMMANDS]
        lines += [f'{title}:', *rows, ''] if rows else []
    return '\n'.join(lines)


class _Once(argparse.Action):
    """Stores a value; a second one is a mistake, which argparse lets win in silence."""

    given = False

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        """Take the value of the command line."""
        if self.given:
            raise argparse.ArgumentError(self, 'expected once, found twice')
        self.given = bool(self.option_strings)
        setattr(namespace, self.dest, values)


def refuse_repeats(parser: argparse.ArgumentParser) -> None:
    """Let the options with a value that are added from now on be given once."""
    for name in (None, 'store'):
        parser.register('action', name, _Once)


def _path(text: str) -> Path:
    if not text.strip():
        # Path('') is the current folder.
        raise argparse.ArgumentTypeError('expected a file or folder, found an empty text')
    return Path(text)


def _sentence(error: BaseException) -> str:
    """Return an error in one line."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        package = error.name.split('.')[0]
        if package in _INSTALL:
            return (
                f'this needs the package {package!r}, which is not installed: {_INSTALL[package]}'
            )
        return f'this needs the package {package!r}, which is not installed'
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f'{error.filename}: {error.strerror}'
    return ' '.join(str(error).split()) or type(error).__name__


if __name__ == '__main__':
    code = main()
    process_memory.leave_objects()
    sys.exit(code)
