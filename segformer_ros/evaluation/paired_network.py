# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Two networks that are evaluated as one: each goes its own way from the image to its result."""

from __future__ import annotations

from dataclasses import dataclass, replace

from segformer_ros.evaluation.network import Image, Network, NetworkFacts, Outputs


@dataclass(frozen=True)
class PairedNetwork:
    """Labels are of one network, depth is of the other; prediction.predict asks both."""

    name: str
    labels: Network
    depth: Network

    @property
    def at_once(self) -> int:
        """Return how many images both take at once."""
        return min(self.labels.at_once, self.depth.at_once)

    @property
    def facts(self) -> NetworkFacts:
        """Return the classes of labels, and of depth what it is and for which camera."""
        depth = self.depth.facts
        return replace(
            self.labels.facts,
            name=self.name,
            depth=depth.depth,
            focal_length_px=depth.focal_length_px,
        )

    def infer(self, image: Image, input_hw: tuple[int, int]) -> Outputs:
        """
        Refuse to compute both at one input size.

        :raises TypeError: Always; labels and depth are asked one by one.
        """
        raise TypeError(f'expected one network, {self.name} has two: ask labels and depth')
