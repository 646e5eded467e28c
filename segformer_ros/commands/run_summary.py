# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What `segformer run` says at its end: frames, where the time went, what the network is for."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping
import re
import sys

from segformer_ros import run_folder
from segformer_ros.bundle import Manifest
from segformer_ros.run_folder import Report

# Samples of datasets, as provenance counts them by the kind of dataset.
_SAMPLES = {'folder': 'images', 'world': 'frames of the built-in world'}


def conclude(args: argparse.Namespace, report: Report, manifest: Manifest) -> int:
    """
    Print in one line what was done and, for a bag, where the intrinsics came from.

    :raises ValueError: No frame could be read, or with --strict one could not.
    """
    facts = report.as_dict()
    seconds = facts['seconds']
    total = seconds.pop('total')
    line = f'{report.done} {"frame" if report.done == 1 else "frames"} in {total:.1f} s'
    # Both are rounded: a run can be too short for them.
    if total and facts['frames_per_second']:
        line += f' ({facts["frames_per_second"]:.1f} frames/s: {_shares(seconds, total)})'
    if report.reused:
        line += f', {report.reused} were finished before'
    frames = facts['frames']
    if report.failed:
        line += f', {frames["failed"]} of {frames["total"]} could not be read (see report.json)'
    sys.stdout.write(f'{line} -> {args.out}\n')
    for topic, found in facts.get('intrinsics', {}).items():
        for text, count in found.items():
            sys.stdout.write(f'intrinsics of {topic}: {text} ({count} frames)\n')
    without = facts.get('frames_without_road', 0)
    if without:
        scales = facts['depth_scale']
        why = '; '.join(scales.values()) if isinstance(scales, dict) else scales
        sys.stdout.write(f'no scale by the road from {without} frames; of the last one: {why}\n')
    sys.stdout.write(f'{_training_data(manifest)}: `segformer info {args.model}`\n')
    check_frames(args, frames['total'], frames['failed'])
    return 0


def _shares(seconds: dict[str, float], total: float) -> str:
    """
    Share out the time of a run; the shares add up to the whole.

    :param seconds: By step; steps of several threads may come to more than total.
    """
    whole = max(total, sum(seconds.values()))
    parts = sorted(seconds.items(), key=lambda item: -item[1])
    parts.append(('other', whole - sum(seconds.values())))
    return ', '.join(f'{name} {value / whole:.0%}' for name, value in parts)


def _training_data(manifest: Manifest) -> str:
    """Report what a network was trained on, which its results on other images depend on."""
    facts = manifest.provenance
    # A bundle of two networks has the facts of each. `metrics` names the data of the evaluation.
    networks = [facts] if 'data' in facts else list(facts.values())
    found = (item.get('data') for item in networks if isinstance(item, Mapping))
    data = '; '.join(str(item) for item in found if item)
    counts: Counter[str] = Counter()
    for count, kind in re.findall(r'(\d+) samples of (\w+)', data):
        counts[_SAMPLES.get(kind, f'samples of {kind}')] += int(count)
    sources = ' and '.join(f'{count} {samples}' for samples, count in counts.items()) or data
    known = f'trained on {sources}' if sources else 'its training data are unknown'
    return f'{manifest.name}: {known}; not validated for real roads'


def check_frames(args: argparse.Namespace, total: int, failed: int) -> None:
    """
    Look whether a run has done anything.

    :raises ValueError: There was no frame, none could be read, or with --strict one could not.
    """
    if not total:
        raise ValueError(f'expected images in {args.input}, found none')
    if failed and (args.strict or failed == total):
        report = args.out / run_folder.REPORT
        raise ValueError(f'{failed} of {total} could not be read: see {report}')
