# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Measures a network while it is trained, and draws examples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from segformer_ros import run_folder
from segformer_ros.datasets import Dataset
from segformer_ros.datasets.statistics import spread
from segformer_ros.evaluation.evaluated_classes import evaluated_classes
from segformer_ros.evaluation.measure import evaluate, Options, predict_sample
from segformer_ros.evaluation.network import Network
from segformer_ros.evaluation.pictures import frame_picture
from segformer_ros.image_encoding import encode_photo
from segformer_ros.training.config import ValidationSet

Image = npt.NDArray[np.uint8]
_JPEG_QUALITY = 88
KEPT = (
    'frames', 'miou', 'accuracy', 'mean_accuracy', 'frequency_weighted_iou', 'iou', 'abs_rel',
    'sq_rel', 'mae', 'rmse', 'rmse_log', 'silog_eigen', 'silog_kitti', 'silog_kitti_per_image',
    'delta1', 'delta2', 'delta3', 'coverage',
)  # fmt: skip
"""What a checkpoint says of its network; `segformer evaluate` says the rest."""


@dataclass(frozen=True)
class Measured:
    """
    What an evaluation gave.

    :param figures: Of the first dataset as of evaluation.measure, those of the others by their
        number as a key.
    :param pictures: By name.
    """

    figures: dict[str, Any]
    pictures: dict[str, Image]

    def shown(self, names: Iterable[str]) -> str:
        """Write some figures for a person."""
        known = self.scalars()
        return ', '.join(
            f'{name} {known[name]:.4f}' if name in known else f'no {name}' for name in names
        )

    def kept(self) -> dict[str, Any]:
        """Return the figures that a checkpoint keeps, to four decimals."""
        return _kept(self.figures)

    def scalars(self) -> dict[str, float]:
        """Return every finite figure that is a single number."""
        return dict(_scalars(self.figures))


def _kept(figures: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in figures.items():
        if name.isdecimal():
            kept[name] = _kept(value)
        elif name == 'iou':
            kept[name] = {key: _rounded(item) for key, item in value.items()}
        elif name in KEPT:
            kept[name] = _rounded(value)
    return kept


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value


def _scalars(figures: Mapping[str, Any], prefix: str = '') -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    for name, value in figures.items():
        if isinstance(value, Mapping) and (name.isdecimal() or name == 'iou'):
            found += _scalars(value, f'{prefix}{name}/')
        elif isinstance(value, (int, float)) and math.isfinite(value):
            found.append((prefix + name, float(value)))
    return found


def measure(
    network: Network,
    datasets: Sequence[Dataset],
    configs: Sequence[ValidationSet],
    pictures: int,
    advance: Callable[[], object] | None = None,
) -> Measured:
    """
    Measure a network on all validation datasets.

    :param pictures: Examples to draw of each.
    :param advance: Called after every image.
    """
    figures: dict[str, Any] = {}
    drawn: dict[str, Image] = {}
    for number, (dataset, config) in enumerate(zip(datasets, configs, strict=True)):
        rules = replace(config.labels, boundaries=False)
        options = Options(config.inference, rules, config.depth, network.facts.focal_length_px)
        chosen = spread(len(dataset), config.frames or None)
        found = evaluate(network, dataset, options, indices=chosen, progress=advance).summary()
        if number:
            figures[str(number)] = found
        else:
            figures = found
        for index in list(chosen)[:: max(1, len(chosen) // max(pictures, 1))][:pictures]:
            name = f'{number}_{len(drawn):02d}'
            drawn[name] = _example(network, dataset, index, options)
    return Measured(figures, drawn)


def _example(network: Network, dataset: Dataset, index: int, options: Options) -> Image:
    """Lay out image, truth, prediction and error of one sample."""
    sample, evaluated = dataset[index], None
    if network.facts.classes and dataset.label_set is not None:
        evaluated = evaluated_classes(network.facts, dataset.label_set, options.labels)
    return frame_picture(sample, predict_sample(network, sample, options), evaluated)


def score(figures: Mapping[str, Any], best: Mapping[str, float]) -> float:
    """
    Add up figures times their factors; those that are unknown count nothing.

    :returns: -inf where a figure is not finite: any other network is better.
    """
    values = {name: figures.get(name) for name in best}
    total = float(sum(best[name] * value for name, value in values.items() if value is not None))
    return total if math.isfinite(total) else -math.inf


def write_pictures(folder: Path, step: int, pictures: Mapping[str, Image]) -> None:
    """Write pictures/STEP_NAME.jpg, or .png where a picture is too long for a JPEG."""
    for name, image in pictures.items():
        suffix, encoded = encode_photo(image, _JPEG_QUALITY)
        path = folder / 'pictures' / f'{step:07d}_{name}.{suffix}'
        run_folder.write_bytes(path, encoded)
