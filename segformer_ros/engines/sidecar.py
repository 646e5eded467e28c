# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is known of an engine, in a JSON file next to it: from what, by what and for what it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
import hashlib
import json
from pathlib import Path
from typing import Any

from segformer_ros.engines.errors import EngineError, EngineRefusedError
from segformer_ros.engines.request import BuildRequest, Target
from segformer_ros.file_hash import sha256_of

FORMAT_VERSION = 1
_KEYS = ('format_version', 'name', 'facts', 'engine', 'build')


@dataclass(frozen=True)
class Sidecar:
    """
    The content of a sidecar.

    :param facts: All that decides what the engine is; see engine_facts.
    :param engine: 'file', 'bytes' and 'sha256' of the engine.
    :param build: 'finished' (UTC), 'seconds', 'inputs', 'outputs' and 'warnings' of its build.
    """

    name: str
    facts: Mapping[str, Any]
    engine: Mapping[str, Any]
    build: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return what the file holds."""
        return {'format_version': FORMAT_VERSION, **asdict(self)}

    def summary(self) -> str:
        """Format the facts in one line."""
        facts, gpu = self.facts, self.facts['gpu']
        low, high = facts['images']
        images = f'{high} image(s)' if low == high else f'{low} to {high} images'
        device = gpu['capability'] if gpu['name'] is None else gpu['name']
        return (
            f'{self.name} {facts["precision"]}, {images}, {device}, {facts["trt_variant"]} '
            f'{facts["version"]}, {self.engine["bytes"] / 1e6:.1f} MB, built in '
            f'{self.build["seconds"]:.1f} s'
        )


def engine_facts(request: BuildRequest, target: Target) -> dict[str, Any]:
    """
    Collect all that decides what an engine is; JSON values.

    :raises EngineError: The graph or its weights cannot be read.
    """
    try:
        graph = sha256_of(request.graph)
        weights = {path.name: sha256_of(path) for path in sorted(request.weights)}
    except OSError as error:
        raise EngineError(
            f'expected a graph and its weights at {request.graph}, found none to read '
            f'({error.filename}: {error.strerror}): check the path'
        ) from error
    return {
        'graph': {'file': request.graph.name, 'sha256': graph},
        'weights': weights,
        'trt_variant': target.trt_variant.name,
        'version': target.trt_variant.version,
        'gpu': asdict(target.gpu),
        'precision': request.precision,
        'images': list(request.images),
        'options': asdict(request.options),
    }


def key_of(facts: Mapping[str, Any]) -> str:
    """Return the sha256 of facts; the name of the graph's file does not count."""
    counted = {**facts, 'graph': facts['graph']['sha256']}
    text = json.dumps(counted, sort_keys=True, separators=(',', ':'))
    return hashlib.sha256(text.encode()).hexdigest()


def parse_sidecar(data: bytes, where: Path) -> Sidecar:
    """
    Read a sidecar.

    :param where: Its path, for messages.
    :raises EngineRefusedError: It is damaged or of another version.
    """
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise EngineRefusedError(f'expected JSON in {where}, found a damaged file') from error
    if not isinstance(content, dict) or content.get('format_version') != FORMAT_VERSION:
        raise EngineRefusedError(
            f'expected format_version {FORMAT_VERSION} in {where}, found another'
        )
    parts = [content.get(name) for name in ('facts', 'engine', 'build')]
    if set(content) != set(_KEYS) or not all(isinstance(part, dict) for part in parts):
        raise EngineRefusedError(f'expected {", ".join(_KEYS)} in {where}, found other entries')
    return Sidecar(str(content['name']), content['facts'], content['engine'], content['build'])


def first_difference(found: Mapping[str, Any], expected: Mapping[str, Any]) -> str | None:
    """Describe in words what of two sets of facts differs first; None where nothing does."""
    for name in (*expected, *found):
        if name == 'graph' and _hash(found.get(name)) == _hash(expected.get(name)):
            continue
        if found.get(name) != expected.get(name):
            if name in {'graph', 'weights'}:
                wanted, other = _files(expected.get(name)), _files(found.get(name))
                return f'{name} {wanted}, found {other} of other content'
            return f'{name} {_text(expected.get(name))}, found {_text(found.get(name))}'
    return None


def _hash(graph: object) -> object:
    return graph.get('sha256') if isinstance(graph, dict) else graph


def _files(value: object) -> str:
    """Name the files of a graph or of weights, whose sha256 tell no one anything."""
    if not isinstance(value, dict):
        return str(value)
    return str(value['file']) if 'file' in value else ', '.join(value) or 'no file'


def _text(value: object) -> str:
    return json.dumps(value) if isinstance(value, dict | list) else str(value)
