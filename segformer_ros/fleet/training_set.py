# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The samples of all inputs as one training set: a plain folder, or shards of WebDataset."""

from __future__ import annotations

from collections.abc import Sequence
import csv
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
import shutil
from typing import Any

import numpy as np
from segformer_ros import run_folder
from segformer_ros.datasets import classes_file
from segformer_ros.datasets.sample import Sample
from segformer_ros.datasets.shards_writer import ShardSettings, write_shards
from segformer_ros.datasets.soft_labels import unstacked
from segformer_ros.files import images
from segformer_ros.fleet import parts
from segformer_ros.fleet.manifest import Manifest
from segformer_ros.fleet.records import DONE, Known
from segformer_ros.fleet.samples import read_records, Record
from segformer_ros.fleet.selection import choose
from segformer_ros.image_encoding import decode_stored
from segformer_ros.labels import LABEL_SETS, LabelSet
from segformer_ros.workplace import link_or_copy
import yaml

FOLDER, SPLIT = 'dataset', 'train'
INDEX, PARQUET = 'index.csv', 'index.parquet'
COLUMNS = (
    'name', 'source', 'camera', 'stamp_ns', 'driven_m', 'height', 'width', 'fx', 'fy', 'cx', 'cy',
    'confidence', 'flicker', 'disagreement',
)  # fmt: skip
_KINDS = ('images', 'labels', 'confidence', 'soft_labels', 'depth')


@dataclass(frozen=True)
class Selection:
    """
    Which samples are taken.

    :param way: One of selection.WAYS; empty: all.
    :param count: How many at most.
    """

    way: str = ''
    count: int = 0


@dataclass(frozen=True)
class _Item:
    """A sample, where it lies, and what it is of."""

    name: str
    folder: Path
    source: str
    record: Record

    def path(self, kind: str) -> Path:
        png = self.folder / kind / f'{self.record.name}.png'
        # Images too, where they are too long for a JPEG.
        return png if kind != 'images' or png.is_file() else png.with_name(f'{png.stem}.jpg')


def write(
    folder: Path, manifest: Manifest, classes: LabelSet | None, form: str, selection: Selection
) -> int:
    """
    Write the training set again; what was there under its name is replaced when it is whole.

    :param folder: DEST.
    :param classes: Of the labels; None: there are none.
    :param form: 'dataset' or 'webdataset'.
    :returns: How many samples it has.
    :raises OSError: It cannot be written.
    """
    items = _selected(folder, manifest, selection)
    if not items:
        return 0
    place, former = folder / FOLDER, folder / f'.{FOLDER}.former'
    shutil.rmtree(former, ignore_errors=True)
    if place.exists():
        place.rename(former)

    def fill(made: Path) -> None:
        if form == 'webdataset':
            write_shards(_Samples(items, classes), made, SPLIT, ShardSettings())
        else:
            _write_folder(items, classes, made)
        _write_index(items, made)

    try:
        parts.make(place, fill)
    except BaseException:
        if former.exists() and not place.exists():
            former.rename(place)
        raise
    shutil.rmtree(former, ignore_errors=True)
    return len(items)


def _selected(folder: Path, manifest: Manifest, selection: Selection) -> list[_Item]:
    items: list[_Item] = []
    rows = []
    for known in manifest.known(DONE):
        found = folder / parts.RESULTS / known.name
        items += [_item(known, found, record) for record in read_records(found)]
        points = np.load(found / parts.DESCRIPTORS, allow_pickle=False)
        if points.size:
            rows.append(points)
    if not selection.way or not items:
        return items
    points = np.concatenate(rows)
    chosen = choose(selection.way, selection.count, [item.record for item in items], points)
    return [items[index] for index in chosen]


def _item(known: Known, found: Path, record: Record) -> _Item:
    return _Item(f'{known.name}/{record.name}', found, known.input.source, record)


def _write_folder(items: Sequence[_Item], classes: LabelSet | None, made: Path) -> None:
    """Link the files, as the reader `folder` takes them."""
    for item in items:
        for kind in _KINDS:
            source = item.path(kind)
            if source.is_file():
                target = made / kind / SPLIT / f'{item.name}{source.suffix}'
                target.parent.mkdir(parents=True, exist_ok=True)
                link_or_copy(source, target)
    facts: dict[str, Any] = {}
    if classes is not None and LABEL_SETS.get(classes.name) == classes:
        facts['label_set'] = classes.name
    elif classes is not None:
        facts['name'] = classes.name
        facts['classes'] = [
            {'id': item.id, 'name': item.name, 'color': list(item.color)}
            for item in classes.classes
        ]
    if items[0].path('depth').is_file():
        facts['depth'] = {'scale': 1000}
    known = items[0].record.intrinsics
    if known is not None and all(item.record.intrinsics == known for item in items):
        # The file has one camera for all.
        facts['camera'] = asdict(known)
    text = yaml.safe_dump(facts, sort_keys=False)
    run_folder.write_bytes(made / classes_file.NAME, text.encode())


class _Samples:
    """The samples as a dataset, for the writer of shards."""

    def __init__(self, items: Sequence[_Item], classes: LabelSet | None) -> None:
        self._items = items
        self._classes = classes

    @property
    def label_set(self) -> LabelSet | None:
        return self._classes

    def __len__(self) -> int:
        return len(self._items)

    def name(self, index: int) -> str:
        return self._items[index].name

    def encoded_image(self, index: int) -> tuple[str, bytes]:
        path = self._items[index].path('images')
        return path.suffix[1:], path.read_bytes()

    def __getitem__(self, index: int) -> Sample:
        item = self._items[index]
        labels, confidence, soft, codes = (
            decode_stored(path.read_bytes()) if path.is_file() else None
            for path in map(item.path, ('labels', 'confidence', 'soft_labels', 'depth'))
        )
        image = images.read(item.path('images'))
        if soft is not None:
            soft = unstacked(soft, image.shape, item.name)
        depth = None
        if codes is not None:
            depth = codes.astype(np.float32) / np.float32(1000.0)
            depth[codes == 0] = np.nan
        return Sample(
            image,
            labels,
            depth,
            item.record.intrinsics,
            item.name,
            confidence,
            soft,
        )


def _write_index(items: Sequence[_Item], made: Path) -> None:
    """Write a row for each sample as CSV and, where pyarrow is installed, as Parquet."""
    rows = [_row(item) for item in items]
    text = StringIO()
    table = csv.writer(text, lineterminator='\n')
    table.writerow(COLUMNS)
    table.writerows(['' if value is None else value for value in row] for row in rows)
    run_folder.write_bytes(made / INDEX, text.getvalue().encode())
    if find_spec('pyarrow') is None:
        return
    import pyarrow as pa
    from pyarrow import parquet

    whole, real, words = pa.int64(), pa.float64(), pa.string()
    types = dict.fromkeys(COLUMNS, real)
    types |= dict.fromkeys(('name', 'source', 'camera'), words)
    # A column of whole numbers with a gap stays one: stamps would lose their last digits.
    types |= dict.fromkeys(('stamp_ns', 'height', 'width'), whole)
    schema = pa.schema(list(types.items()))
    columns = dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
    parquet.write_table(pa.table(columns, schema=schema), made / PARQUET)


def _row(item: _Item) -> tuple[Any, ...]:
    record = item.record
    return (
        item.name,
        item.source,
        record.camera,
        record.stamp_ns,
        record.driven_m,
        record.height,
        record.width,
        *(record.camera_matrix or (None,) * 4),
        record.confidence,
        record.flicker,
        record.disagreement,
    )
