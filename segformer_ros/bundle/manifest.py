# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The facts of a bundle: what its manifest.json says of the network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
import re
from typing import Any

from segformer_ros.bundle.graphs import InputSize
from segformer_ros.labels import LabelClass

FORMAT_VERSION = 2
TASKS = ('segmentation', 'depth')
ACTIVATIONS = ('metric', 'log')
UNITS = ('metres', 'relative_depth', 'relative_inverse_depth')
RESIZES = ('pad', 'stretch')
SCALES = ('laplace',)
SCALE_OUTPUT = 'depth_scale'
"""The output that says how far depth may be off: the logarithm of a scale of log depth."""
RELATIVE = 'relative_depth'
"""What a network for depth gives whose scale is unknown; see Manifest.results."""
WHOLE = 'network'
"""The only part of a network that is not taken apart."""
# Samples of datasets, as provenance counts them by the kind of dataset.
_SAMPLES = {'folder': 'images', 'world': 'frames of the built-in world'}
_UNKNOWN = 'unknown'


@dataclass(frozen=True)
class LogitsOutput:
    """The class scores; stride is input pixels per output pixel."""

    stride: int


@dataclass(frozen=True)
class DepthOutput:
    """
    The depth; activation says what turns the raw output into its unit: 'log' needs exp.

    unit is one of UNITS: metres, a depth of unknown scale, or an inverse depth of unknown scale
    and shift. scale is one of SCALES, the distribution of natural log depth about that of the
    network whose scale SCALE_OUTPUT gives; None: there is no such output.
    """

    stride: int
    activation: str
    unit: str = 'metres'
    scale: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Name the outputs of the network for depth, which one head computes."""
        return ('depth',) if self.scale is None else ('depth', SCALE_OUTPUT)

    @property
    def relative(self) -> bool:
        """Return whether the scale is unknown."""
        return self.unit != 'metres'


@dataclass(frozen=True)
class Arithmetic:
    """
    What a network costs, by part: encoder, segmentation_head, depth_head; or network alone.

    gmacs are 10^9 multiplications with addition for one image, by input size such as '256x512'.
    """

    parameters: Mapping[str, int]
    gmacs: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Manifest:
    """
    All that the run time knows of a network.

    classes are in channel order; x = (pixel / 255 - mean) / std per channel of channel_order;
    depth is for a camera whose focal length is focal_length_px in pixels of the network input;
    None: it is not to be scaled. resize is one of RESIZES: how an image becomes an input size.
    What belongs to a task that the network lacks is None (classes: empty).
    """

    name: str
    tasks: tuple[str, ...]
    label_set: str | None
    classes: tuple[LabelClass, ...]
    input_sizes: tuple[InputSize, ...]
    channel_order: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    logits: LogitsOutput | None
    depth: DepthOutput | None
    depth_range_m: tuple[float, float] | None
    focal_length_px: float | None
    opset: int
    tolerance: Mapping[str, float]
    files: Mapping[str, str]
    arithmetic: Arithmetic
    provenance: Mapping[str, Any]
    licence: str
    resize: str = 'pad'

    def results(self, *, scaled: bool = False) -> tuple[str, ...]:
        """
        Name what becomes of an image: the tasks, RELATIVE in place of depth of unknown scale.

        :param scaled: Whether something else turns relative depth into metres.
        """
        relative = self.depth is not None and self.depth.relative and not scaled
        return tuple(RELATIVE if relative and task == 'depth' else task for task in self.tasks)

    def source_of_labels(self) -> str:
        """
        Return in a line where labels come from: name, origin of the weights, licence.

        Of a bundle of two networks it is that of the labels, with the licences of both.
        """
        found = self.provenance.get('labels', self.provenance)
        origin = found.get('source') or found.get('command')
        return '; '.join(str(part) for part in (self.name, origin, self.licence) if part)

    def training_data(self) -> str:
        """Return in a line what it was trained on, and what follows for images of real roads."""
        facts = self.provenance
        if 'data' in facts:
            return f'{self.name}: {_trained_on(facts)}'
        # Two networks have the facts of each, of which published graphs may know the same.
        parts = {part: _trained_on(item) for part, item in facts.items()}
        if len(set(parts.values())) == 1:
            return f'{self.name}: {next(iter(parts.values()))}'
        return f'{self.name}: {"; ".join(f"{part} {known}" for part, known in parts.items())}'

    def output_shapes(self, size: InputSize) -> dict[str, tuple[int, int, int, int]]:
        """Return the shape of each output for one image of an input size."""
        shapes = {}
        if self.logits is not None:
            stride = self.logits.stride
            shapes['logits'] = (
                1, len(self.classes), size.height // stride, size.width // stride,
            )  # fmt: skip
        if self.depth is not None:
            stride = self.depth.stride
            shape = (1, 1, size.height // stride, size.width // stride)
            shapes.update(dict.fromkeys(self.depth.names, shape))
        return shapes


def _trained_on(facts: Mapping[str, Any]) -> str:
    """
    Describe the training of one network.

    :param facts: Its provenance. `data` are those of the training, 'unknown' for weights of other
        projects; `metrics` names those of the evaluation, which do not count.
    """
    data, source = str(facts['data']), facts.get('source', _UNKNOWN)
    if data == _UNKNOWN:
        weights = '' if source == _UNKNOWN else f'from {source}, '
        return f'{weights}trained by others on data unknown here; see what they published'
    counts: Counter[str] = Counter()
    for count, kind in re.findall(r'(\d+) samples of (\w+)', data):
        counts[_SAMPLES.get(kind, f'samples of {kind}')] += int(count)
    known = ' and '.join(f'{count} {name}' for name, count in counts.items()) or data
    if set(counts) == {_SAMPLES['world']}:
        return f'trained on {known} alone; not for real roads'
    return f'trained on {known}; measure it on your own images before you rely on it'
