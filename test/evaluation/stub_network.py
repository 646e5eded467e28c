# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Networks and datasets whose figures can be worked out by hand."""

from __future__ import annotations

import numpy as np
from segformer_ros.datasets import Sample
from segformer_ros.evaluation import NetworkFacts, Outputs
from segformer_ros.labels import CARLA_0914, LabelSet

ROAD, SKY, CAR = (CARLA_0914.by_name(name) for name in ('road', 'sky', 'car'))
STRIDE = 4
FACTS = NetworkFacts('stub', (ROAD, SKY, CAR), 'carla_0914', 'metric', 100.0)


class ColorNetwork:
    """
    Label red as road, green as sky and blue as car; ten metres wherever there is no red.

    Each cell sees its own 4 x 4 pixels, padding is black. What came in is in `seen`.
    """

    at_once = 1

    def __init__(self, facts: NetworkFacts = FACTS) -> None:
        self.facts = facts
        self.seen: list[tuple[tuple[int, int], tuple[int, int]]] = []

    def infer(self, image, input_hw):
        """Average the colours of every cell."""
        self.seen.append((image.shape[:2], input_hw))
        whole = np.zeros((*input_hw, 3), np.float32)
        whole[: image.shape[0], : image.shape[1]] = image
        rows, columns = input_hw[0] // STRIDE, input_hw[1] // STRIDE
        cells = whole.reshape(rows, STRIDE, columns, STRIDE, 3).mean(axis=(1, 3))
        depth = 10.0 + cells[..., 0] / 255.0 * 10.0
        if self.facts.depth == 'log':
            depth = np.log(depth)
        return Outputs(
            np.ascontiguousarray(cells.transpose(2, 0, 1)) if self.facts.classes else None,
            depth.astype(np.float32) if self.facts.depth else None,
        )


class Samples:
    """Samples in memory."""

    def __init__(self, samples: list[Sample], label_set: LabelSet | None = CARLA_0914) -> None:
        self.samples, self.label_set = samples, label_set

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        return self.samples[index]

    def name(self, index):
        """Return the name of a sample."""
        return self.samples[index].name


def blocks(*colors: str, size: int = 32) -> np.ndarray:
    """Return an image of squares beside each other: 'r', 'g' or 'b' each."""
    image = np.zeros((size, size * len(colors), 3), np.uint8)
    for place, color in enumerate(colors):
        image[:, place * size : (place + 1) * size, 'rgb'.index(color)] = 255
    return image


def truth(*ids: int, size: int = 32) -> np.ndarray:
    """Return labels of squares beside each other."""
    return np.repeat(np.repeat(np.array([ids], np.uint8), size, axis=0), size, axis=1)
