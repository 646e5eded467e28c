# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From a sample of a dataset to a sample to learn from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from segformer_ros.datasets.sample import Sample
from segformer_ros.labels import VOID
from segformer_ros.training.augment import colors, optics, scenery
from segformer_ros.training.augment.camera_look import recolor
from segformer_ros.training.augment.config import AugmentConfig, DomainConfig, PhotometricConfig
from segformer_ros.training.augment.cut_depth import paste_depth
from segformer_ros.training.augment.geometry import draw_geometry, pad, resized_hw, transform

_COLORS = {
    'distortion': colors.distort,
    'jitter': colors.jitter,
    'glp': colors.vary_as_glp,
    'world': recolor,
}


@dataclass(frozen=True, eq=False)
class Augmentation:
    """
    Varies samples; holds no state, so that it works in any thread and can be pickled.

    :param classes: (256,) True for the ids that count as classes when windows are drawn.
    """

    config: AugmentConfig
    classes: npt.NDArray[np.bool_]

    def draw_size(self, rng: np.random.Generator) -> tuple[int, int] | None:
        """Draw the (height, width) of a batch; None: the size of each image, as resized."""
        sizes = self.config.crop.sizes
        return sizes[int(rng.integers(len(sizes)))] if sizes else None

    def __call__(
        self, sample: Sample, rng: np.random.Generator, *, size: tuple[int, int] | None = None
    ) -> Sample:
        """
        Vary one sample.

        The result is a function of the sample and of the state of rng alone.

        :param size: (height, width) of the result, the same for a batch; None draws one.
        :returns: What the sample has not stays None; it may share memory with the sample.
        """
        return self.vary(sample, rng, size=size)[0]

    def vary(
        self, sample: Sample, rng: np.random.Generator, *, size: tuple[int, int] | None = None
    ) -> tuple[Sample, npt.NDArray[np.uint8]]:
        """Return as well the image that is only moved, for a teacher; otherwise as the call."""
        size = size or self.draw_size(rng)
        whole_hw = resized_hw(sample.image.shape[:2], self.config.resize, rng)
        geometry = draw_geometry(sample, whole_hw, size, self.config.crop, self.classes, rng)
        mirrored = bool(rng.random() < self.config.flip)
        sample = transform(sample, replace(geometry, mirrored=mirrored))
        plain, image = sample, change_domain(sample, self.config.domain, rng)
        cut = self.config.cut_depth
        if rng.random() < cut.probability and sample.depth is not None:
            image = paste_depth(image, sample.depth, rng, cut)
        image = change_colors(image, self.config.photometric, rng)
        size = size or geometry.resized
        return pad(replace(sample, image=image), size), pad(plain, size).image


def make_augmentation(
    config: AugmentConfig, *, classes: npt.NDArray[np.uint8] | None = None
) -> Augmentation:
    """
    Make the augmentation that a recipe describes.

    :param classes: Ids of the dataset that count as classes when windows are drawn: crops are
        laid around them, and max_class_share is of their pixels. None: all but 255.
    """
    counted = np.zeros(256, np.bool_)
    counted[np.arange(256) if classes is None else classes] = True
    counted[VOID] = False
    return Augmentation(config, counted)


def change_domain(
    sample: Sample, config: DomainConfig, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Change the surfaces, light, air and optics of a picture, each by chance."""
    image, labels, depth = sample.image, sample.labels, sample.depth
    strength = config.strength
    chances = rng.random(8)
    if chances[0] < config.retexture and labels is not None:
        image = scenery.retexture(image, labels, rng, strength)
    if chances[1] < config.convolution:
        image = optics.convolve(image, rng, strength)
    if chances[2] < config.shadow:
        image = scenery.cast_shadow(image, depth, rng, strength)
    if chances[3] < config.fog and depth is not None:
        image = scenery.add_fog(image, depth, rng, strength, config.fog_visibility_m)
    if chances[4] < config.flare:
        image = scenery.add_flare(image, depth, rng, strength)
    if chances[5] < config.vignette:
        image = optics.darken_corners(image, rng, strength)
    if chances[6] < config.motion_blur:
        image = optics.motion_blur(image, rng, strength)
    if chances[7] < config.resolution:
        image = optics.lose_resolution(image, rng, strength)
    return image


def change_colors(
    image: npt.NDArray[np.uint8], config: PhotometricConfig, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Change the colours of a picture in the way that a recipe names."""
    if config.kind == 'none' or config.strength == 0.0:
        return image
    return _COLORS[config.kind](image, rng, config.strength)
