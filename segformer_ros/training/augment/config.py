# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a recipe says about augmentation: the key augment."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal


def _check_size(name: str, size: tuple[int, int]) -> None:
    if min(size) < 1:
        raise ValueError(f'{name} must be a (height, width) of at least 1 pixel, not {size}')


def _check_share(name: str, value: float) -> None:
    if not 0.0 <= value <= 1.0:
        raise ValueError(f'{name} must be between 0 and 1, not {value}')


def _check_factors(name: str, values: tuple[float, ...]) -> None:
    if not values or not all(0.0 < value < 100.0 for value in values):
        raise ValueError(f'{name} must hold factors between 0 and 100, not {values}')


@dataclass(frozen=True)
class ResizeConfig:
    """
    The size of an image before the crop.

    :param kind: 'none': as it is. 'fixed': base. 'ratio': base times a factor drawn from a
        range. 'values': base times one of a list of factors.
    :param base: (height, width) in pixels; None: the image's own.
    :param keep_aspect: Resize to the largest size of the image's proportions with the long side
        within the long side of the target and the short within the short; otherwise to the
        target itself.
    :param ratio: Least and greatest factor of kind 'ratio'.
    :param values: Factors of kind 'values'.
    :param logarithmic: Halving is as likely as doubling, for kind 'ratio'; otherwise the factor
        itself is uniform.
    """

    kind: Literal['none', 'fixed', 'ratio', 'values'] = 'ratio'
    base: tuple[int, int] | None = None
    keep_aspect: bool = True
    ratio: tuple[float, float] = (0.5, 2.0)
    values: tuple[float, ...] = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)
    logarithmic: bool = False

    def __post_init__(self) -> None:
        if self.base is not None:
            _check_size('base', self.base)
        elif self.kind == 'fixed':
            raise ValueError("a resize of kind 'fixed' needs base, the (height, width)")
        _check_factors('ratio', self.ratio)
        _check_factors('values', self.values)
        if self.ratio[0] > self.ratio[1]:
            raise ValueError(f'ratio must hold the lesser factor first, not {self.ratio}')


@dataclass(frozen=True)
class CropConfig:
    """
    The window that is cut out.

    :param sizes: (height, width) of what the network sees, in pixels; one of them is drawn for
        a batch. Empty: the whole image, as it was resized.
    :param max_class_share: A window of which one class covers this share or more of the known
        pixels is drawn again; 1 accepts every window.
    :param tries: Windows drawn at most; the last is taken as it is.
    :param rare_share: Share of the windows laid around a pixel of a class that is drawn from
        those in the image, all as likely.
    """

    sizes: tuple[tuple[int, int], ...] = ((256, 512),)
    max_class_share: float = 1.0
    tries: int = 10
    rare_share: float = 0.0

    def __post_init__(self) -> None:
        for size in self.sizes:
            _check_size('sizes', size)
        if not 0.0 < self.max_class_share <= 1.0:
            raise ValueError(f'max_class_share must be in (0, 1], not {self.max_class_share}')
        if self.tries < 1:
            raise ValueError(f'tries must be at least 1, not {self.tries}')
        _check_share('rare_share', self.rare_share)


@dataclass(frozen=True)
class PhotometricConfig:
    """
    Changes of colour.

    :param kind: 'none'; 'distortion': brightness, contrast, saturation and hue as MMSegmentation;
        'jitter': the same four in any order as torchvision, 0.25 and a tenth of the hues; 'glp':
        brightness, contrast, gamma and hue, saturation, value as GLPDepth; 'world': tone, white
        balance, saturation, hue, blur, noise and JPEG.
    :param strength: 0 changes nothing, 1 as described, 2 twice the ranges.
    """

    kind: Literal['none', 'distortion', 'jitter', 'glp', 'world'] = 'distortion'
    strength: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.strength <= 2.0:
            raise ValueError(f'strength must be between 0 and 2, not {self.strength}')


@dataclass(frozen=True)
class DomainConfig:
    """
    Probabilities of changes after which pictures of a simulator resemble no single simulator.

    :param retexture: Other colours and patterns, class by class.
    :param convolution: A random small filter over the whole image.
    :param shadow: Shadow of a building's edge or of leaves, not on the sky.
    :param fog: By depth, where at least four fifths of it are known.
    :param flare: The sun in the lens.
    :param vignette: Darker corners.
    :param motion_blur: Along a line.
    :param resolution: Detail is lost.
    :param strength: Of all of them, 0 to 1.
    :param fog_visibility_m: Shortest and longest distance at which 5 % of the contrast is left.
    """

    retexture: float = 0.0
    convolution: float = 0.0
    shadow: float = 0.0
    fog: float = 0.0
    flare: float = 0.0
    vignette: float = 0.0
    motion_blur: float = 0.0
    resolution: float = 0.0
    strength: float = 1.0
    fog_visibility_m: tuple[float, float] = (50.0, 600.0)

    def __post_init__(self) -> None:
        for item in fields(self):
            if item.name != 'fog_visibility_m':
                _check_share(item.name, getattr(self, item.name))
        if not 0.0 < self.fog_visibility_m[0] <= self.fog_visibility_m[1]:
            raise ValueError(
                'fog_visibility_m must hold two distances, the lesser first, not '
                f'{self.fog_visibility_m}'
            )


@dataclass(frozen=True)
class CutDepthConfig:
    """
    CutDepth (Ishii and Yamashita 2021, arXiv:2107.07684), vertical as in GLPN (arXiv:2201.07436).

    :param probability: That a strip of the depth replaces the image.
    :param width: Greatest width of the strip, as a share of the image right of its left edge.
    :param max_depth_m: Is painted white; zero and unknown are black.
    """

    probability: float = 0.0
    width: float = 0.75
    max_depth_m: float = 80.0

    def __post_init__(self) -> None:
        _check_share('probability', self.probability)
        _check_share('width', self.width)
        if not self.max_depth_m > 0.0:
            raise ValueError(f'max_depth_m must be positive, not {self.max_depth_m}')


@dataclass(frozen=True)
class AugmentConfig:
    """
    How samples are varied, in this order: geometry, domain, CutDepth, colours, padding.

    :param flip: Probability of a mirror image.
    """

    resize: ResizeConfig = ResizeConfig()
    crop: CropConfig = CropConfig()
    flip: float = 0.5
    domain: DomainConfig = DomainConfig()
    cut_depth: CutDepthConfig = CutDepthConfig()
    photometric: PhotometricConfig = PhotometricConfig()

    def __post_init__(self) -> None:
        _check_share('flip', self.flip)
