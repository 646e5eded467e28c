# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The seam between the evaluation and whatever computes a network: a backend, or torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from segformer_ros.labels import LabelClass, LabelSet, VOID

Image = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

MULTIPLE = 32
"""What height and width of an input are multiples of, where a network takes any."""


@dataclass(frozen=True)
class NetworkFacts:
    """
    What the evaluation must know of a network.

    :param classes: In the order of the channels; empty without segmentation.
    :param label_set: Name of the set that the ids of the classes are of.
    :param depth: What its depth output is: 'log' (of metres) or 'metric'; None: it has none.
    :param focal_length_px: Of the camera for which its depth is right, in pixels of the network
        input; None: unknown, no depth is scaled.
    :param input_sizes: Heights and widths that it takes; None: all multiples of MULTIPLE.
    :param stretch: Images fill the whole input, whatever their aspect ratio.
    """

    name: str
    classes: tuple[LabelClass, ...] = ()
    label_set: str = ''
    depth: str | None = None
    focal_length_px: float | None = None
    input_sizes: tuple[tuple[int, int], ...] | None = None
    stretch: bool = False

    @property
    def channel_ids(self) -> tuple[int, ...]:
        """
        Return the class id of every channel of the logits.

        A network of one class decides with a threshold: its logits have a second channel of
        zeros, which stands for everything else and has the id VOID.
        """
        ids = tuple(item.id for item in self.classes)
        return (*ids, VOID) if len(ids) == 1 else ids

    def labels(self) -> LabelSet:
        """Return its classes as a label set."""
        return LabelSet(self.label_set, self.classes)

    def input_hw(self, height: int, width: int) -> tuple[int, int]:
        """
        Return the smallest input that an image fits in without being resized.

        :raises ValueError: The network has none; the message names those that it has.
        """
        if self.input_sizes is None:
            return height + -height % MULTIPLE, width + -width % MULTIPLE
        fitting = [size for size in self.input_sizes if size[0] >= height and size[1] >= width]
        if not fitting:
            known = ', '.join(f'{size[0]}x{size[1]}' for size in self.input_sizes)
            raise ValueError(
                f'{self.name} takes inputs of {known}, expected one for {height}x{width}: export '
                'it with this size too, or choose windows and scales that fit'
            )
        return min(fitting, key=lambda size: size[0] * size[1])


@dataclass(frozen=True)
class Outputs:
    """
    What a network computes of one image; None where it has no such head.

    :param logits: (C, H/s, W/s) float32, finite, a channel for each of channel_ids.
    :param depth: (H/s, W/s) float32, finite, as NetworkFacts.depth says.
    :param depth_scale: Of the size of depth, what inference.depth_confidence reads.
    """

    logits: FloatArray | None
    depth: FloatArray | None
    depth_scale: FloatArray | None = None


class Network(Protocol):
    """A network that is ready to compute, used by `at_once` threads at a time."""

    @property
    def at_once(self) -> int:
        """Return how many images it takes at once, each from a thread of its own."""

    @property
    def facts(self) -> NetworkFacts:
        """Return what must be known of it."""

    def infer(self, image: Image, input_hw: tuple[int, int]) -> Outputs:
        """
        Compute the raw outputs for one image.

        :param image: (h, w, 3) RGB, not larger than the input, in whose upper left corner it is
            put; the rest is padding of the mean colour.
        :param input_hw: Height and width of the input, as NetworkFacts.input_hw gives them.
        :returns: Of the whole input, new arrays; each stride divides input_hw.
        """
