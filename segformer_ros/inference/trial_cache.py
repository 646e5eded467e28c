# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a trial found, kept for this machine."""

from __future__ import annotations

from collections.abc import Mapping
import hashlib
import json
import os
from pathlib import Path
import platform
import tempfile
from typing import Any

from segformer_ros.cache_folder import cache_folder

_FOLDER = 'trials'
_PROCESSORS = Path('/proc/cpuinfo')
# Of x86 and of ARM. Others, such as the clock rate, change from one reading to the next.
_STEADY = {
    'vendor_id', 'cpu family', 'model', 'model name', 'stepping', 'flags', 'CPU implementer',
    'CPU architecture', 'CPU part', 'Features',
}  # fmt: skip


def machine() -> dict[str, Any]:
    """Return what makes one machine faster than another: its CPU and number of cores."""
    try:
        text = _PROCESSORS.read_text(encoding='utf-8', errors='replace')
    except OSError:
        text = ''
    lines = text.partition('\n\n')[0].splitlines()
    pairs = [[part.strip() for part in line.partition(':')[::2]] for line in lines]
    facts = {key: value for key, value in pairs if key in _STEADY}
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return {
        'processor': facts.get('model name', platform.machine()),
        'features': digest[:16],
        'cores': len(os.sched_getaffinity(0)),
    }


def read(facts: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """
    Return what was found under the same facts.

    :param facts: All that the result depends on, as JSON has it.
    :returns: None where nothing is kept, or what is kept cannot be read.
    """
    path = _path(facts)
    if path is None:
        return None
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or content.get('facts') != json.loads(json.dumps(facts)):
        return None
    found = content.get('found')
    return found if isinstance(found, dict) else None


def write(facts: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Keep what was found; nothing happens where there is no cache."""
    path = _path(facts)
    if path is None:
        return
    text = json.dumps({'facts': facts, 'found': found}, indent=2)
    name = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix='.trial.')
        with os.fdopen(handle, 'w', encoding='utf-8') as file:
            file.write(f'{text}\n')
        os.replace(name, path)
    except OSError:
        if name is not None:
            Path(name).unlink(missing_ok=True)


def _path(facts: Mapping[str, Any]) -> Path | None:
    folder = cache_folder(_FOLDER)
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return None if folder is None else folder / f'{key[:32]}.json'
