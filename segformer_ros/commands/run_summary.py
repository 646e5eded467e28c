# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What `segformer run` says at its end: frames, where the time went, what the network is for."""

from __future__ import annotations

import argparse
import sys

from segformer_ros import run_folder
from segformer_ros.bundle import Manifest
from segformer_ros.run_folder import Report


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
        sys.stdout.write(f'no scale by the road: {without} of {frames["total"]} frames; {why}\n')
    sys.stdout.write(f'{manifest.training_data()} (`segformer info {args.model}`)\n')
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
