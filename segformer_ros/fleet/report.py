# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a labelling did: figures as JSON, a table of the inputs, and one page with pictures."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping, Sequence
import csv
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

from segformer_ros import run_folder
from segformer_ros.fleet import parts
from segformer_ros.fleet.manifest import Manifest
from segformer_ros.fleet.records import DONE, FAILED, Known, SAME

REPORT, TABLE, PAGE = 'report.json', 'inputs.csv', 'report.html'
COLUMNS = ('input', 'kind', 'state', 'results', 'frames', 'done', 'failed', 'sha256', 'reason')
_PICTURES = 24
_SHOWN_INPUTS = 1000


@dataclass(frozen=True)
class Picture:
    """A picture of the page: what it is of, and its data URI."""

    name: str
    uri: str


def write_report(folder: Path, manifest: Manifest, facts: Mapping[str, Any]) -> dict[str, Any]:
    """
    Write report.json, inputs.csv and, where jinja2 is installed, report.html.

    :param facts: What else stands in report.json.
    :returns: The content of report.json.
    :raises OSError: They cannot be written.
    """
    frames, pixels = Counter[str](total=0, done=0, failed=0), Counter[str]()
    rows, shown = list[tuple[Any, ...]](), list[Known]()
    text = StringIO()
    table = csv.writer(text, lineterminator='\n')
    table.writerow(COLUMNS)
    for known in manifest.known():
        found = _result(folder, known)
        if found:
            frames.update({name: found['frames'][name] for name in ('total', 'done', 'failed')})
            pixels.update(found['pixels'])
            shown.append(known)
        row = _row(known, found)
        table.writerow(row)
        if len(rows) < _SHOWN_INPUTS:
            rows.append(row)
    report = {
        **facts,
        'finished': not set(manifest.counts()) - {DONE, FAILED, SAME},
        'inputs': manifest.counts(),
        'shards': manifest.counts('shards'),
        'frames': dict(frames),
        'pixels': dict(pixels.most_common()),
        'failures': list(manifest.failures()),
        'same': dict(manifest.same()),
    }
    run_folder.write_bytes(folder / TABLE, text.getvalue().encode())
    run_folder.write_json(folder / REPORT, report)
    if find_spec('jinja2') is not None:
        page = _page(report, rows, _pictures(folder, shown))
        run_folder.write_bytes(folder / PAGE, page.encode())
    return report


def _result(folder: Path, known: Known) -> dict[str, Any]:
    found = parts.read_facts(folder / parts.RESULTS / known.name) if known.state == DONE else None
    return found or {}


def _row(known: Known, found: Mapping[str, Any]) -> tuple[Any, ...]:
    frames = found.get('frames', {})
    return (
        known.input.source,
        known.input.kind,
        known.state,
        f'{parts.RESULTS}/{known.name}' if found else '',
        frames.get('total', known.frames),
        frames.get('done', 0),
        frames.get('failed', 0),
        known.sha256,
        known.reason,
    )


def _pictures(folder: Path, shown: Sequence[Known]) -> list[Picture]:
    """Take a picture of some inputs, spread evenly."""
    found = []
    for known in shown[:: max(1, -(-len(shown) // _PICTURES))]:
        path = folder / parts.RESULTS / known.name / parts.PICTURE
        if path.is_file():
            data = base64.b64encode(path.read_bytes()).decode()
            found.append(Picture(known.name, f'data:image/jpeg;base64,{data}'))
    return found


def _page(
    report: Mapping[str, Any], rows: Sequence[tuple[Any, ...]], pictures: Sequence[Picture]
) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader('segformer_ros.fleet', ''),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    total = sum(report['pixels'].values()) or 1
    return environment.get_template('report.html.jinja').render(
        report=report,
        shares=[(name, count, count / total) for name, count in report['pixels'].items()],
        columns=COLUMNS,
        # What tells inputs apart, so that the reason next to it is in sight; the table has all.
        rows=[(*row[:7], row[7][:12], row[8]) for row in rows],
        more=max(0, sum(report['inputs'].values()) - len(rows)),
        pictures=[asdict(item) for item in pictures],
    )
