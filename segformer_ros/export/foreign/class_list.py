# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The classes of a network that another program made."""

from __future__ import annotations

from collections.abc import Mapping
import json
from pathlib import Path
from typing import Any

from segformer_ros.labels import label_set, LABEL_SETS, LabelClass
from segformer_ros.nearest import did_you_mean


def read_classes(source: str) -> tuple[str, tuple[LabelClass, ...]]:
    """
    Read the classes in the order of the channels.

    :param source: Name of a label set, a config.json of Hugging Face or the folder that has one, a
        JSON list of names, or a text with a name on each line.
    :returns: The label set, 'unknown' where the names are of none, and the classes.
    :raises ValueError: There is no such set or file, or it does not name classes.
    :raises CheckpointError: There are more classes than label images can hold.
    """
    if source in LABEL_SETS:
        return source, label_set(source).classes
    path = Path(source).expanduser()
    path = path / 'config.json' if path.is_dir() else path
    if not path.is_file():
        near = did_you_mean(source, LABEL_SETS)
        known = ', '.join(LABEL_SETS)
        raise ValueError(
            f'expected a label set ({known}) or a file of class names, found no {source!r}{near}'
        )
    names = _names(path)
    # Brings torch, which takes seconds.
    from segformer_ros.checkpoints.classes import check_label_images, class_facts, class_table

    if not names or len(set(names)) != len(names):
        raise ValueError(
            f'{path}: expected different class names, found {len(names)} with repeats'
        )
    check_label_images(len(names))
    return class_table(class_facts(names, len(names)), len(names))


def _names(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding='utf-8')
        if path.suffix != '.json':
            return [line.strip() for line in text.splitlines() if line.strip()]
        content: Any = json.loads(text)
    except ValueError as error:
        raise ValueError(
            f'{path}: expected class names, found no text or JSON: {error}'
        ) from error
    if isinstance(content, Mapping):
        table = content.get('id2label')
        if not isinstance(table, Mapping):
            raise ValueError(f'{path}: expected id2label as in config.json, found none')
        content = [table.get(str(number)) for number in range(len(table))]
    if not isinstance(content, list) or not all(isinstance(item, str) for item in content):
        raise ValueError(f'{path}: expected a name for each of the classes 0, 1, 2...')
    return content
