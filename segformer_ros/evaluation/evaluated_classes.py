# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""In which classes a network is evaluated on a dataset of another label set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from segformer_ros.evaluation.network import NetworkFacts
from segformer_ros.labels import LABEL_SETS, LabelClass, LabelSet, VOID
from segformer_ros.labels.class_maps import channel_table, common_classes

CLASSES_OF = ('auto', 'network', 'dataset')
SHIFT_IGNORED = (
    'unlabeled', 'other', 'ground', 'bridge', 'rail_track', 'guard_rail', 'static', 'dynamic',
    'water',
)  # fmt: skip
"""What SHIFT's authors do not evaluate: 14 classes remain."""

Table = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class LabelRules:
    """
    How labels are evaluated.

    :param classes_of: 'auto': in the finest classes that both label sets share, where it is known
        what they mean; otherwise in those of the network. 'network': the truth is read as classes
        of the network. 'dataset': what the network says is read as classes of the dataset.
    :param ignore: Names of evaluated classes that are left out of all means. Pixels whose truth
        they are do not count.
    :param count_ignored: They do count, in unions alone: another class that is predicted there is
        a false one. This is how SHIFT is evaluated; only pixels without any label are left out.
    :param rules: From class names of the dataset to those of the network, beyond what is known.
    :param boundaries: Whether the borders of the classes are evaluated, which takes time.
    """

    classes_of: str = 'auto'
    ignore: tuple[str, ...] = ()
    count_ignored: bool = False
    rules: Mapping[str, str] = field(default_factory=dict)
    boundaries: bool = True

    def __post_init__(self) -> None:
        if self.classes_of not in CLASSES_OF:
            known = ', '.join(CLASSES_OF)
            raise ValueError(f'classes_of must be one of {known}, not {self.classes_of!r}')


@dataclass(frozen=True)
class EvaluatedClasses:
    """
    The classes of a evaluation.

    :param classes: Those that have a part in the means.
    :param counted: Ids of true classes whose pixels count in unions alone.
    :param prediction: (256,) evaluated ids by class id of the network, VOID where there is none.
    :param truth: The same by class id of the dataset.
    :param left_out: Names of classes of the truth that are not evaluated.
    """

    classes: tuple[LabelClass, ...]
    counted: tuple[int, ...]
    prediction: Table
    truth: Table
    left_out: tuple[str, ...]

    @property
    def ids(self) -> tuple[int, ...]:
        """Return the ids of the evaluated classes."""
        return tuple(item.id for item in self.classes)


def evaluated_classes(facts: NetworkFacts, truth: LabelSet, rules: LabelRules) -> EvaluatedClasses:
    """
    Decide in which classes a network is evaluated.

    :param truth: The label set of the dataset.
    :raises DatasetError: No one has said what the classes of one set are in the other.
    :raises ValueError: A class to ignore is not there, or none remains.
    """
    table, prediction, true = _read(facts, truth, rules)
    said = {int(prediction[item.id]) for item in facts.classes} - {VOID}
    known = {item.name: item for item in table}
    # What is evaluated nowhere, such as 'unlabeled', is in many lists of what to ignore.
    unknown = [name for name in rules.ignore if name not in known and name not in _names(truth)]
    if unknown:
        raise ValueError(
            f'expected classes to ignore from {", ".join(known)}, got {", ".join(unknown)}'
        )
    classes = tuple(item for item in table if item.id in said and item.name not in rules.ignore)
    if not classes:
        raise ValueError(
            f'no class of {facts.name} ({facts.label_set}) is evaluated on labels of {truth.name}'
            ': map classes or ignore fewer'
        )
    ids = {item.id for item in classes}
    counted: set[int] = set()
    if len(facts.classes) == 1:
        # It tells its class from all others, so that all others are where it can be wrong.
        counted = {int(number) for number in true} - ids - {VOID}
    elif rules.count_ignored:
        counted = {known[name].id for name in rules.ignore if name in known}
    left_out = tuple(item.name for item in truth.classes if int(true[item.id]) not in ids)
    return EvaluatedClasses(classes, tuple(sorted(counted)), prediction, true, left_out)


def _names(labels: LabelSet) -> set[str]:
    return {item.name for item in labels.classes}


def _read(
    facts: NetworkFacts, truth: LabelSet, rules: LabelRules
) -> tuple[tuple[LabelClass, ...], Table, Table]:
    """Return the table of classes, and the tables of prediction and truth into it."""
    own = _whole_set(facts)
    identity = np.arange(256, dtype=np.uint8)
    if rules.classes_of == 'dataset':
        return truth.classes, _table(own, truth, None), identity
    if rules.classes_of == 'network' or rules.rules:
        return facts.classes, _only(facts.classes), _table(truth, own, rules.rules)
    try:
        common = common_classes(own, truth)
    except ValueError:
        return facts.classes, _only(facts.classes), _table(truth, own, None)
    return common.label_set.classes, common.first, common.second


def _whole_set(facts: NetworkFacts) -> LabelSet:
    """Return the label set that the classes of the network are of, or those classes as one."""
    known = LABEL_SETS.get(facts.label_set)
    if known is not None and set(facts.classes) <= set(known.classes):
        return known
    return facts.labels()


def _table(source: LabelSet, target: LabelSet, rules: Mapping[str, str] | None) -> Table:
    if source == target and not rules:
        return _only(target.classes)
    table: Table = channel_table(source, target, rules or None)
    return table


def _only(classes: tuple[LabelClass, ...]) -> Table:
    table = np.full(256, VOID, np.uint8)
    for item in classes:
        table[item.id] = item.id
    return table
