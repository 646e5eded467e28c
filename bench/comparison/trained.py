# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
How far reduced precision changes what a trained network says.

With random weights many pixels have two classes of nearly the same score, which rounding swaps. So
the labels of a trained network are compared, on frames of the world that it was trained for.
"""

from __future__ import annotations

from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from comparison import figures
from comparison.case import Image

# Far from the seeds of the training and of its evaluation.
_FIRST_SEED = 7_000_000


def compare(model: str, names: Sequence[str], folder: Path, frames: int) -> dict[str, Any]:
    """
    Run a bundle on all backends and compare each with the first.

    :param model: Name or folder of the bundle.
    :param names: Of backends, the reference first.
    :param folder: For files between the processes.
    :returns: 'model', 'frames', 'reference' and by name of the others: the share of 'labels' that
        are equal, and the median and 99th percentile of the relative difference of the depth.
        'left_out' names those that could not run it.
    """
    facts: dict[str, Any] = {'model': model, 'frames': frames, 'reference': names[0]}
    facts['backends'], facts['left_out'] = {}, []
    files = {name: folder / f'{name}.npz' for name in names}
    for name, path in files.items():
        if not _is_written(model, name, path, frames):
            facts['left_out'].append(name)
    if names[0] in facts['left_out']:
        return facts
    with np.load(files[names[0]]) as file:
        expected = dict(file)
    for name in names[1:]:
        if name in facts['left_out']:
            continue
        with np.load(files[name]) as found:
            error = np.abs(found['depth'] / expected['depth'] - 1.0)
            facts['backends'][name] = {
                'labels': figures.share_equal(found['labels'], expected['labels']),
                'depth_median': float(np.nanmedian(error)),
                'depth_p99': float(np.nanquantile(error, 0.99)),
            }
    return facts


def _is_written(model: str, backend: str, path: Path, frames: int) -> bool:
    process = get_context('spawn').Process(target=predict, args=(model, backend, path, frames))
    process.start()
    process.join()
    return process.exitcode == 0


def predict(model: str, backend: str, path: Path, frames: int) -> None:
    """Write the labels and depths of frames of the world."""
    from segformer_ros.inference.pipeline import Options, Pipeline

    pipeline = Pipeline.load(model, backend=backend, threads=1)
    options = Options(sky_depth='keep')
    found = [pipeline.predict(image, options=options) for image in _images(pipeline, frames)]
    labels = [item.labels for item in found]
    depths = [item.depth for item in found]
    np.savez(path, labels=np.array(labels), depth=np.array(depths))


def _images(pipeline: Any, frames: int) -> list[Image]:
    from segformer_ros.world import random_frame

    size = pipeline.manifest.input_sizes[0]
    seeds = range(_FIRST_SEED, _FIRST_SEED + frames)
    return [random_frame(seed, width=size.width, height=size.height).image for seed in seeds]
