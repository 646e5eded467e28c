# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From any format to any other that can hold the network, with the proof that it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
import os
from pathlib import Path
import shutil

from segformer_ros.checkpoints import parity, transformers_graph
from segformer_ros.checkpoints.formats import FORMATS
from segformer_ros.checkpoints.formats.base import Format, Options
from segformer_ros.checkpoints.model import (
    describe,
    has_published_ratios,
    Model,
    only,
    PARTS,
    run_as_published,
)
from segformer_ros.checkpoints.parity import compare, Difference, ParityError, Side
from segformer_ros.checkpoints.source import read, SILENT_DEPTH
from segformer_ros.checkpoints.writing import check_name, write
from segformer_ros.network.checkpoint import CheckpointError
from segformer_ros.run_folder import temporary_name

OUR_NAME = 'segformer_ros'
_SAYS_INPUT = ('native', 'hf-segformer', 'shift')
EPS_TOLERANCE = (1e-3, 1e-3)
"""Allowed effect of another eps, when a person accepts it."""


@dataclass(frozen=True)
class Request:
    """
    What is to be converted, and what a person accepts.

    :param target: Name of the format to write.
    :param layout: Name of the format of the source; None finds it out.
    :param part: One of model.PARTS to convert nothing else; None is everything.
    :param tolerance: Relative, in float32 and float64; None is parity.TOLERANCE, and
        EPS_TOLERANCE for the effect of an accepted eps.
    :param size: Height and width of the input of the comparison.
    """

    source: str | Path
    target: str
    out: Path
    layout: str | None = None
    options: Options = field(default_factory=Options)
    part: str | None = None
    accept_eps: bool = False
    accept_input: bool = False
    tolerance: tuple[float, float] | None = None
    size: tuple[int, int] = (96, 128)


@dataclass(frozen=True)
class Report:
    """What was done, and how far the result is from its source."""

    source: Model
    target: str
    out: Path
    differences: Sequence[Difference]
    notes: tuple[str, ...]

    @property
    def summary(self) -> str:
        """Describe in one line what became what."""
        model = self.source
        return f'{model.format} -> {self.target}: {describe(model.config)}, {self.out}'


def convert(request: Request) -> Report:
    """
    Read, write, read back, compare; the output is there as a whole or not at all.

    :raises CheckpointError: The source cannot be read, the target cannot hold it, the name is
        taken, or (ParityError) both graphs differ by more than the tolerance; nothing is left
        behind then.
    """
    parity.check_size(*request.size)
    if request.target not in FORMATS:
        raise CheckpointError(
            f'format must be one of {", ".join(FORMATS)}, not {request.target!r}'
        )
    layout = FORMATS[request.target]
    model = read(request.source, request.layout, request.options)
    if request.part is not None:
        model = only(model, request.part)
    _check(model, layout, request)
    if request.options.backbone_prefix and not layout.name.endswith('-encoder'):
        raise CheckpointError(f'--backbone-prefix is for an encoder alone, not for {layout.name}')
    packed = layout.pack(model, request.options)
    check_name(packed, request.out)
    temporary = temporary_name(request.out)
    _remove(temporary)
    try:
        write(packed, temporary)
        differences = _compare(model, temporary, layout, request)
        _check_differences(differences)
        os.replace(temporary, request.out)
    finally:
        _remove(temporary)
    notes = (*model.notes, *_input_notes(model, layout), *packed.notes)
    return Report(model, layout.name, request.out, differences, notes)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _eps(model: Model) -> tuple[float, float]:
    config = model.config
    inner = config.norm_eps if config.embed_norm_eps is None else config.embed_norm_eps
    return config.norm_eps, inner


def _check(model: Model, layout: Format, request: Request) -> None:
    """Refuse what the target cannot represent."""
    start = f'{request.source} ({describe(model.config)}) cannot become {layout.name}'
    if layout.name != 'native' and not has_published_ratios(model.config):
        raise CheckpointError(f'{start}: its encoders have the published ratios alone')
    if layout.name != 'native' and model.config.depth_scale:
        raise CheckpointError(
            f'{start}: it has no place for the scale of depth; --only segmentation converts labels'
        )
    reason = layout.cannot(model.config, model.facts)
    if reason is not None:
        raise CheckpointError(f'{start}: {reason}{_hint(model, layout)}')
    if layout.eps is not None and layout.eps != _eps(model) and not request.accept_eps:
        raise CheckpointError(
            f'{start}: its LayerNorms have eps {_text(layout.eps)}, this network '
            f'{_text(_eps(model))}; --accept-eps takes the difference, which the report shows'
        )
    plain = _is_plain(model)
    if layout.plain_input and not plain and not request.accept_input:
        raise CheckpointError(
            f'{start}: its programs feed images of 0 to 1, this network takes them with mean '
            f'{model.facts.get("mean")} and std {model.facts.get("std")}; --accept-input leaves '
            'that to you'
        )


def _hint(model: Model, layout: Format) -> str:
    """Name the parts of a network that the target could hold."""
    config = model.config
    has = {'encoder': True, 'segmentation': config.segmentation, 'depth': config.depth}
    parts = [part for part in PARTS if has[part]]
    held = [p for p in parts if layout.cannot(only(model, p).config, model.facts) is None]
    return f'; --only {" or ".join(held)} converts that part' if held else ''


def _is_plain(model: Model) -> bool:
    mean, std = model.facts.get('mean') or (), model.facts.get('std') or ()
    return list(mean) == [0.0] * 3 and list(std) == [1.0] * 3


def _text(eps: tuple[float, float]) -> str:
    return f'{eps[0]:g} (patch embedding and reduced keys {eps[1]:g})'


def _input_notes(model: Model, layout: Format) -> tuple[str, ...]:
    """Describe which normalisation has to be set by hand where the result is used."""
    if layout.name in _SAYS_INPUT or (layout.plain_input and _is_plain(model)):
        return ()
    mean, std = model.facts.get('mean'), model.facts.get('std')
    if mean is None:
        return ('how images are normalised is not known and not in the result',)
    return (f'the result does not say it: images of 0 to 1 with mean {mean} and std {std}',)


def _compare(model: Model, written: Path, layout: Format, request: Request) -> list[Difference]:
    """Compare the source as it is with the file as it was written."""
    depth = model.config.max_depth_m if layout.name == SILENT_DEPTH else None
    back = read(written, layout.name, Options(max_depth_m=depth))
    if transformers_graph.available(layout.name):
        target = transformers_graph.open_side(written, layout.name, back.config)
    else:
        target = Side(f'{OUR_NAME} as published', back.build(), run_as_published)
    source = Side(OUR_NAME, model.build())
    if request.part is None and transformers_graph.available(model.format):
        source = transformers_graph.open_side(model.path, model.format, model.config)
    size = request.size
    if layout.eps is None or layout.eps == _eps(model):
        tolerance = request.tolerance or parity.TOLERANCE
        return compare(source, target, size=size, tolerance=tolerance)
    config = replace(model.config, norm_eps=layout.eps[0], embed_norm_eps=layout.eps[1])
    same = Side(f'{OUR_NAME}, eps of {layout.name}', replace(model, config=config).build())
    tolerance = request.tolerance or EPS_TOLERANCE
    return [
        *compare(same, target, size=size),
        *compare(source, target, size=size, tolerance=tolerance),
    ]


def _check_differences(differences: Sequence[Difference]) -> None:
    failed = [item for item in differences if not item.passed]
    if failed:
        item = failed[0]
        raise ParityError(
            f'{item.output} of {item.sides[0]} and {item.sides[1]} differ by '
            f'{item.relative:.2g} in {item.arithmetic}, allowed is {item.allowed:g}: nothing was '
            'written',
            differences,
        )
