# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The rows of bench/against.py: what each measures of one checkout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
import json
from pathlib import Path
import shutil
import time
from typing import Protocol

import cv2
import numpy as np

_CHILD = Path(__file__).with_name('against_child.py')
_SIZE = '512x1024'
_STEPS, _WARM_UP_STEPS = 50, 4
_NODE_FRAMES = 1000
# The network of the other commit that its faster ones are compared with.
_FORMER = 'world_b0_fast'


class Tree(Protocol):
    """A checkout, as bench/against.py has it."""

    @property
    def folder(self) -> Path:
        """Where it is."""

    @property
    def this(self) -> bool:
        """Whether it is the one whose program runs."""

    def segformer(self, *words: object) -> tuple[float, float]:
        """Run a command: seconds of CPU time and peak memory in MB."""

    def python_json(self, *words: object) -> dict[str, float]:
        """Run a program that prints figures by unit as JSON."""


Measure = Callable[[Tree, Path, Path], dict[str, float]]


@dataclass(frozen=True)
class Row:
    """What is measured: measure gives a figure by unit; of `larger` ones more is better."""

    measure: Measure
    larger: bool = False
    repeats: int = 100


def _image(tree: Tree, inputs: Path, out: Path) -> dict[str, float]:
    words = (inputs / 'image.png', '--model', 'world_b0_fast', '--out', out)
    seconds, memory = tree.segformer('run', *words)
    return {'s of CPU': seconds, 'MB at most': memory}


def _frames(
    tree: Tree, inputs: Path, out: Path, *, name: str, model: tuple[str, ...] = ()
) -> dict[str, float]:
    start = time.perf_counter()
    seconds, _ = tree.segformer('run', inputs / name, *model, '--out', out)
    whole_s = time.perf_counter() - start
    report = json.loads((out / 'report.json').read_bytes())
    frames = float(report['frames']['done'])
    # Where the network opens behind the clock of one report, it opened before that of another.
    return {
        'frames/s of its report': float(report['frames_per_second']),
        'frames/s of the whole command': frames / whole_s,
        'frames per s of CPU': frames / seconds,
    }


def _child(tree: Tree, inputs: Path, out: Path, *, words: tuple[str, ...]) -> dict[str, float]:
    named = (inputs / word if word == 'image.png' else word for word in words)
    return tree.python_json(_CHILD, *named)


def _bundle(tree: Tree, inputs: Path, name: str, size: str) -> Path:
    """Export weights of the repository, once for each tree."""
    folder = inputs / f'{"this" if tree.this else "other"}_{size}' / name
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        weights = tree.folder / 'weights' / f'{name}.safetensors'
        tree.segformer('export', weights, folder, '--size', size)
    return folder


def _exact(tree: Tree, inputs: Path, out: Path, *, backend: str) -> dict[str, float]:
    """Measure the same weights: encoder B0 as published, depth head at full resolution."""
    bundle = _bundle(tree, inputs, 'world_b0', _SIZE)
    return tree.python_json(_CHILD, 'network', bundle, inputs / 'image.png', backend)


def _faster(tree: Tree, inputs: Path, out: Path, *, name: str, backend: str) -> dict[str, float]:
    """Measure a network of today and the former one that does the same."""
    bundle = _bundle(tree, inputs, name if tree.this else _FORMER, _SIZE)
    return tree.python_json(_CHILD, 'network', bundle, inputs / 'image.png', backend)


def _evaluate(tree: Tree, inputs: Path, out: Path) -> dict[str, float]:
    bundle = _bundle(tree, inputs, 'world_b0', '320x512')
    start = time.perf_counter()
    seconds, _ = tree.segformer('evaluate', bundle, '--seeds', '0-49')
    return {'s': time.perf_counter() - start, 's of CPU': seconds}


def _evaluate_torch(tree: Tree, inputs: Path, out: Path) -> dict[str, float]:
    weights = tree.folder / 'weights' / 'world_b0.safetensors'
    start = time.perf_counter()
    seconds, _ = tree.segformer('evaluate', weights, inputs / 'dataset', '--split', 'val')
    return {'s': time.perf_counter() - start, 's of CPU': seconds}


def train(tree: Tree, inputs: Path, out: Path, *, more: tuple[str, ...] = ()) -> dict[str, float]:
    """
    Measure the steps of config/train/world_b0.yaml behind the first ones.

    :param more: Settings of the recipe, as `segformer train` takes them.
    """
    option = ('--recipe', 'world_b0') if tree.this else ('--config', tree.folder / _RECIPE)
    cache = inputs / f'world_{"this" if tree.this else "other"}'
    figures = []
    for steps in (_WARM_UP_STEPS, _STEPS + _WARM_UP_STEPS):
        shutil.rmtree(out, ignore_errors=True)
        start = time.perf_counter()
        seconds, _ = tree.segformer(
            'train', *option, f'stages.0.steps={steps}', f'output={out}',
            f'init={tree.folder / "weights" / "world_b0_fast.safetensors"}',
            f'data.train.0.options.cache={cache}', 'data.train.0.options.frames=48',
            'data.train.0.options.min_frames=48', 'data.validation=[]', *more,
        )  # fmt: skip
        figures.append((time.perf_counter() - start, seconds))
    (start_s, start_cpu), (all_s, all_cpu) = figures
    return {
        'ms a step': 1e3 * (all_s - start_s) / _STEPS,
        'ms of CPU a step': 1e3 * (all_cpu - start_cpu) / _STEPS,
    }


_RECIPE = Path('config', 'train', 'world_b0.yaml')
_SAME = ('--model', 'world_b0_fast')
ENGINES = ('onnxruntime', 'openvino', 'openvino_bfloat16')
ROWS: dict[str, Row] = {
    'image': Row(_image),
    'video': Row(partial(_frames, name='video.mp4', model=_SAME), larger=True),
    'video_default': Row(partial(_frames, name='video.mp4'), larger=True),
    'bag': Row(partial(_frames, name='bag', model=_SAME), larger=True),
    'bag_default': Row(partial(_frames, name='bag'), larger=True),
    'node': Row(partial(_child, words=('node', str(_NODE_FRAMES))), repeats=3),
    'cameras': Row(partial(_child, words=('cameras', 'image.png'))),
    'cores': Row(partial(_child, words=('cores', 'image.png')), larger=True),
    'cores_openvino': Row(partial(_child, words=('cores', 'image.png', 'openvino')), larger=True),
    **{f'exact_{engine}': Row(partial(_exact, backend=engine)) for engine in ENGINES},
    **{
        f'{short}_{engine}': Row(partial(_faster, name=name, backend=engine))
        for short, name in (('fast', 'road_b0'), ('slim', 'world_b0_slim'))
        for engine in ENGINES
    },
    'train': Row(train, repeats=1),
    'evaluate': Row(_evaluate, repeats=2),
    'evaluate_torch': Row(_evaluate_torch, repeats=2),
    'pictures': Row(partial(_child, words=('pictures', 'image.png'))),
    'cloud': Row(partial(_child, words=('cloud', 'image.png'))),
}


def write_dataset(folder: Path, images: list[np.ndarray], labels: list[np.ndarray]) -> None:
    """Write a plain folder with labels of the 29 classes of CARLA 0.9.14, split val."""
    for kind, pictures in (('images', images), ('labels', labels)):
        (folder / kind / 'val').mkdir(parents=True)
        for number, picture in enumerate(pictures):
            stored = picture[..., ::-1] if picture.ndim == 3 else picture
            cv2.imwrite(str(folder / kind / 'val' / f'{number:03}.png'), stored)
    (folder / 'classes.yaml').write_text('label_set: carla_0914\n', encoding='utf-8')
