# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
YOLO26n-sem and YOLO26n-depth with random weights, written by another environment.

ultralytics is under the AGPL-3.0 and no part of this package: who measures installs it, with onnx,
into an environment of its own and names its Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
import subprocess

SEM = 'yolo26n-sem'
OTHERS = (SEM, 'yolo26n-depth')
# Runs in the other environment: folder, height, width, formats, names.
_EXPORT = """
import shutil, sys
from ultralytics import YOLO
folder, height, width, formats, *names = sys.argv[1:]
for name in names:
    for kind in formats.split(','):
        size = int(height), int(width)
        path = YOLO(name + '.yaml').export(format=kind, imgsz=size, device='cpu')
        shutil.move(path, f'{folder}/{name}.{kind}')
"""


def export_others(
    python: str, folder: Path, height: int, width: int, formats: Sequence[str] = ('onnx',)
) -> None:
    """
    Write NAME.FORMAT for each of OTHERS; the first computes the class of each pixel.

    :param formats: Of 'onnx' and 'torchscript'.
    :raises RuntimeError: Their environment cannot do it.
    """
    words = (str(folder), str(height), str(width), ','.join(formats), *OTHERS)
    child = subprocess.run(
        [python, '-c', _EXPORT, *words], cwd=folder, capture_output=True, text=True, check=False
    )
    if child.returncode:
        raise RuntimeError(f'{python} could not write the graphs: {child.stderr.strip()[-500:]}')
