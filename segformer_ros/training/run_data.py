# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The datasets of a run, read in the classes of its network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
import math

import numpy as np
import numpy.typing as npt
from segformer_ros.datasets import Dataset, DatasetError, DatasetSpec, open_dataset
from segformer_ros.datasets.checks import check_labels
from segformer_ros.datasets.statistics import count_classes, spread
from segformer_ros.datasets.world import WorldDataset
from segformer_ros.datasets.world_rendering import Rendering
from segformer_ros.labels import label_set, LABEL_SETS, LabelSet, VOID
from segformer_ros.labels.class_maps import channel_table
from segformer_ros.training.batch_source import Source
from segformer_ros.training.batches import normalize
from segformer_ros.training.config import ClassesConfig, TrainConfig, TrainingSet
from torch import Tensor

Table = npt.NDArray[np.uint8]
# Images and pixels of a side: enough for the statistics of some hundred channels.
_TYPICAL, _TYPICAL_SIDE = 16, 768


@dataclass(frozen=True)
class RunData:
    """
    What a run learns from and is measured on.

    :param classes: Those of the network in the order of its channels, of the set of that name;
        none without segmentation.
    :param validation: The datasets of the recipe, opened.
    """

    classes: LabelSet
    sources: tuple[Source, ...]
    validation: tuple[Dataset, ...]
    config: TrainConfig

    def trained_on(self) -> str:
        """Describe the training data in words."""
        pairs = zip(self.config.data.train, self.sources, strict=True)
        return '; '.join(_describe(item.spec, len(source.dataset)) for item, source in pairs)

    def measured_on(self) -> str:
        """Describe in words what is measured on."""
        pairs = zip(self.config.data.validation, self.validation, strict=True)
        found = [_describe(i.spec, min(i.frames or len(d), len(d))) for i, d in pairs]
        return '; '.join(found) or 'nothing'

    def typical_images(self) -> Tensor:
        """Return (N, 3, H, W) normalised crops of samples spread over the datasets."""
        images = []
        for source in self.sources:
            for index in spread(len(source.dataset), math.ceil(_TYPICAL / len(self.sources))):
                images.append(source.dataset[index].image)
        sides = [min(_TYPICAL_SIDE, *(item.shape[axis] for item in images)) for axis in (0, 1)]
        crops = [_centre(item, *sides) for item in images]
        return normalize(np.stack(crops))

    def counted_frames(self) -> list[int]:
        """Return from how many frames of each dataset class_counts counts."""
        weights = sum(source.weight for source in self.sources)
        shares = (self.config.class_frames * source.weight / weights for source in self.sources)
        return [
            min(max(1, round(share)), len(source.dataset))
            for share, source in zip(shares, self.sources, strict=True)
        ]

    def class_counts(self) -> npt.NDArray[np.int64]:
        """
        Count the pixels of each channel in samples spread over the datasets, by their weights.

        :returns: (C,), or (2,) of the labels 0 and 1 for one channel.
        """
        total = np.zeros(256)
        for source, frames in zip(self.sources, self.counted_frames(), strict=True):
            counts = np.zeros(256, np.int64)
            np.add.at(counts, source.table, count_classes(source.dataset, frames=frames).pixels)
            total += counts * (source.weight / max(int(counts[:VOID].sum()), 1))
        # Shares as whole numbers, which are the same however they are added up.
        return np.rint(total[: max(len(self.classes.classes), 2)] * 1e9).astype(np.int64)


def _centre(image: npt.NDArray[np.uint8], height: int, width: int) -> npt.NDArray[np.uint8]:
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]


def _describe(spec: DatasetSpec, samples: int) -> str:
    name = f'{spec.kind} {spec.root}'.strip()
    options = ', '.join(f'{key} {value}' for key, value in spec.options.items())
    return f'{samples} samples of {name} ({spec.split}{", " * bool(options)}{options})'


def open_sources(config: TrainConfig) -> list[Dataset]:
    """
    Open the datasets to train on.

    :raises DatasetError: One cannot be used.
    """
    return [open_dataset(item.spec) for item in config.data.train]


def open_data(config: TrainConfig) -> RunData:
    """
    Open and check the datasets of a recipe.

    :raises DatasetError: One cannot be used, or its classes are not those of its label set.
    """
    opened = open_sources(config)
    validation = tuple(open_dataset(item.spec) for item in config.data.validation)
    for dataset in (*opened, *validation):
        check_labels(dataset)
    classes = LabelSet('', ())
    if config.network.segmentation:
        classes = network_classes(config.classes, opened)
    pairs = zip(config.data.train, opened, strict=True)
    sources = tuple(
        Source(
            dataset,
            channels(dataset, classes, item),
            item.weight,
            isinstance(dataset, WorldDataset),
        )
        for item, dataset in pairs
    )
    return RunData(classes, sources, validation, config)


def prepare(
    datasets: Iterable[Dataset], report: Callable[[str], None], *, whole: bool = False
) -> list[Rendering]:
    """
    Render ahead what is rendered.

    :param whole: Wait until all of it is there.
    :returns: What is still working.
    """
    return [
        item.prepare(report, whole=whole) for item in datasets if isinstance(item, WorldDataset)
    ]


def network_classes(config: ClassesConfig, datasets: Sequence[Dataset]) -> LabelSet:
    """
    Decide the classes of the network, in the order of its channels.

    :raises DatasetError: Neither the recipe nor a dataset names a label set.
    :raises ValueError: A class is not in the set.
    """
    if config.label_set:
        whole = label_set(config.label_set)
    else:
        known = [dataset.label_set for dataset in datasets if dataset.label_set is not None]
        if not known:
            raise DatasetError(
                'expected labels in a training dataset, found none: name classes.label_set, or '
                'train depth alone with network.segmentation false'
            )
        whole = known[0]
    if not config.names:
        return whole
    return LabelSet(whole.name, tuple(whole.by_name(name) for name in config.names))


def channels(dataset: Dataset, classes: LabelSet, item: TrainingSet) -> Table:
    """
    Tabulate the channels of the network by the class ids of a dataset.

    A network of one class has the labels 1 for it and 0 for all others.

    :raises DatasetError: It is not known what the classes of one set are in the other.
    """
    numbers = np.full(256, VOID, np.uint8)
    if dataset.label_set is None or not classes.classes:
        return numbers
    whole = LABEL_SETS.get(classes.name, classes)
    if not set(classes.classes) <= set(whole.classes):
        whole = classes
    numbers[list(classes.ids)] = np.arange(len(classes.ids))
    if len(classes.ids) == 1:
        numbers[[entry.id for entry in whole.classes]] = 0
        numbers[classes.ids[0]] = 1
    source = dataset.label_set
    if source.name == whole.name and set(source.classes) <= set(whole.classes) and not item.rules:
        return numbers
    table: Table = numbers[channel_table(source, whole, item.rules or None)]
    return table
