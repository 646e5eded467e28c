# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A manifest.json checked and read: everything missing, unknown or contradictory is refused."""

from __future__ import annotations

import re

from segformer_ros.bundle.errors import BundleError
from segformer_ros.bundle.fields import Fields
from segformer_ros.bundle.graphs import InputSize, parse_graphs
from segformer_ros.bundle.manifest import (
    ACTIVATIONS,
    Arithmetic,
    DepthOutput,
    FORMAT_VERSION,
    LogitsOutput,
    Manifest,
    RESIZES,
    SCALES,
    TASKS,
    UNITS,
    WHOLE,
)
from segformer_ros.labels import LABEL_SETS, LabelClass, VOID

KEYS = (
    'format_version', 'name', 'tasks', 'label_set', 'classes', 'input_sizes', 'channel_order',
    'mean', 'std', 'outputs', 'depth_range_m', 'focal_length_px', 'resize', 'opset', 'tolerance',
    'files', 'arithmetic', 'provenance', 'licence',
)  # fmt: skip
PROVENANCE = ('data', 'recipe', 'metrics')
_FILE_NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9._-]*')
_SHA256 = re.compile(r'[0-9a-f]{64}')


def parse(content: object, where: object = 'manifest.json') -> Manifest:
    """
    Check the content of a manifest.

    :param content: What the JSON file holds.
    :param where: Name of the file for messages.
    :raises BundleError: Anything is missing, unknown, of another type or contradicts the rest.
    """
    fields = Fields(content, where)
    check_version(fields, where)
    fields.only(KEYS)
    tasks = _tasks(fields)
    logits, depth = _outputs(fields, tasks)
    segmentation, estimation = logits is not None, depth is not None
    classes = _classes(fields) if segmentation else ()
    manifest = Manifest(
        name=fields.text('name'),
        tasks=tasks,
        label_set=fields.text('label_set') if segmentation else None,
        classes=classes,
        input_sizes=_input_sizes(fields, logits, depth),
        channel_order=fields.choice('channel_order', ('rgb',)),
        mean=_three(fields.numbers('mean', 3)),
        std=_three(fields.numbers('std', 3, above=0.0)),
        logits=logits,
        depth=depth,
        depth_range_m=_depth_range(fields) if estimation else None,
        focal_length_px=_focal_length(fields) if estimation else None,
        opset=fields.whole('opset', least=1),
        tolerance=_tolerance(fields, logits, depth),
        files=_files(fields),
        arithmetic=_arithmetic(fields, tasks),
        provenance=fields.inner('provenance').having(PROVENANCE),
        licence=fields.text('licence'),
        resize=fields.choice('resize', RESIZES) if 'resize' in fields.names() else 'pad',
    )
    _check_label_set(fields, manifest)
    _check_files(fields, manifest)
    return manifest


def check_version(fields: Fields, where: object) -> None:
    """
    Refuse other versions of the format.

    :raises BundleError: It is another one.
    """
    version = fields.value('format_version')
    if type(version) is not int or version != FORMAT_VERSION:
        raise BundleError(
            where,
            expected=f'format_version {FORMAT_VERSION}',
            found=repr(version),
            do='use a release that reads this version or export the network again',
        )


def _tasks(fields: Fields) -> tuple[str, ...]:
    tasks = tuple(fields.items('tasks'))
    if not tasks or any(task not in TASKS for task in tasks) or len(set(tasks)) != len(tasks):
        fields.refuse('tasks', f'one or both of {", ".join(TASKS)}', repr(list(tasks)))
    return tasks


def _outputs(
    fields: Fields, tasks: tuple[str, ...]
) -> tuple[LogitsOutput | None, DepthOutput | None]:
    outputs = fields.inner('outputs')
    names = {'segmentation': 'logits', 'depth': 'depth'}
    outputs.only([names[task] for task in tasks], complete=True)
    logits, depth = None, None
    if 'segmentation' in tasks:
        logits = LogitsOutput(outputs.inner('logits').whole('stride', least=1))
    if 'depth' in tasks:
        inner = outputs.inner('depth')
        activation = inner.choice('activation', ACTIVATIONS)
        unit = inner.choice('unit', UNITS) if 'unit' in inner.names() else UNITS[0]
        scale = inner.choice('scale', SCALES) if 'scale' in inner.names() else None
        depth = DepthOutput(inner.whole('stride', least=1), activation, unit, scale)
        if depth.relative and scale is not None:
            inner.refuse('scale', 'none for depth that is not in metres', repr(scale))
    return logits, depth


def _output_names(logits: LogitsOutput | None, depth: DepthOutput | None) -> tuple[str, ...]:
    return (*(('logits',) if logits else ()), *(depth.names if depth else ()))


def _part_names(tasks: tuple[str, ...]) -> tuple[str, ...]:
    heads = {'segmentation': 'segmentation_head', 'depth': 'depth_head'}
    return ('encoder', *(heads[task] for task in tasks))


def _arithmetic(fields: Fields, tasks: tuple[str, ...]) -> Arithmetic:
    inner = fields.inner('arithmetic')
    inner.only(('parameters', 'gmacs'), complete=True)
    parameters, gmacs = inner.inner('parameters'), inner.inner('gmacs')
    parts = (WHOLE,) if WHOLE in parameters.names() else _part_names(tasks)
    parameters.only(parts, complete=True)
    costs = {}
    for size in gmacs.names():
        cost = gmacs.inner(size)
        cost.only(parts, complete=True)
        costs[size] = {part: cost.number(part, above=0.0) for part in parts}
    return Arithmetic({part: parameters.whole(part, least=1) for part in parts}, costs)


def _classes(fields: Fields) -> tuple[LabelClass, ...]:
    classes = []
    for item in fields.inners('classes'):
        color = tuple(item.items('color'))
        if len(color) != 3 or any(
            type(value) is not int or not 0 <= value <= 255 for value in color
        ):
            item.refuse('color', 'three whole numbers from 0 to 255', repr(list(color)))
        number = item.whole('id', least=0)
        if number >= VOID:
            item.refuse('id', f'a number below {VOID}', str(number))
        classes.append(LabelClass(number, item.text('name'), (color[0], color[1], color[2])))
    if not classes:
        fields.refuse('classes', 'one class or more', 'none')
    for key in ('id', 'name'):
        if len({getattr(item, key) for item in classes}) != len(classes):
            fields.refuse('classes', f'classes of different {key}', 'one that occurs twice')
    return tuple(classes)


def _input_sizes(
    fields: Fields, logits: LogitsOutput | None, depth: DepthOutput | None
) -> tuple[InputSize, ...]:
    sizes = []
    names = _output_names(logits, depth)
    for item in fields.inners('input_sizes'):
        golden = item.inner('golden')
        size = InputSize(
            item.whole('height', least=1),
            item.whole('width', least=1),
            parse_graphs(item, names),
            golden.whole('seed', least=0),
            golden.text('outputs'),
        )
        for output in (logits, depth):
            if output and (size.height % output.stride or size.width % output.stride):
                expected = f'multiples of the stride {output.stride}'
                item.refuse('size', expected, f'{size.height}x{size.width}')
        sizes.append(size)
    if not sizes or len({(size.height, size.width) for size in sizes}) != len(sizes):
        fields.refuse('input_sizes', 'one or more different sizes', f'{len(sizes)} entries')
    return tuple(sizes)


def _focal_length(fields: Fields) -> float | None:
    if fields.value('focal_length_px') is None:
        return None
    return fields.number('focal_length_px', above=0.0)


def _depth_range(fields: Fields) -> tuple[float, float]:
    low, high = fields.numbers('depth_range_m', 2, above=0.0)
    if not low < high:
        fields.refuse('depth_range_m', 'the smaller number first', f'[{low}, {high}]')
    return low, high


def _tolerance(
    fields: Fields, logits: LogitsOutput | None, depth: DepthOutput | None
) -> dict[str, float]:
    inner, names = fields.inner('tolerance'), _output_names(logits, depth)
    inner.only(names, complete=True)
    return {name: inner.number(name, above=0.0) for name in names}


def _files(fields: Fields) -> dict[str, str]:
    inner = fields.inner('files')
    files = {}
    for name in inner.names():
        if not _FILE_NAME.fullmatch(name) or name == 'manifest.json':
            fields.refuse('files', 'plain file names next to the manifest', repr(name))
        files[name] = inner.text(name)
        if not _SHA256.fullmatch(files[name]):
            inner.refuse(name, 'a sha256 of 64 hexadecimal digits', repr(files[name]))
    return files


def _check_label_set(fields: Fields, manifest: Manifest) -> None:
    known = LABEL_SETS.get(manifest.label_set or '')
    table = {item.id: item for item in known.classes} if known else {}
    for item in manifest.classes if known else ():
        if table.get(item.id) != item:
            expected = f'the classes of label set {manifest.label_set}'
            fields.refuse('classes', expected, f'{item.id} {item.name} {item.color}')


def _check_files(fields: Fields, manifest: Manifest) -> None:
    for size in manifest.input_sizes:
        for name in (*(graph.file for graph in size.graphs), size.golden_outputs):
            if name not in manifest.files:
                fields.refuse('files', f'the sha256 of {name!r}', 'no entry')


def _three(values: tuple[float, ...]) -> tuple[float, float, float]:
    return values[0], values[1], values[2]
