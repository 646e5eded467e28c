# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Write the reference of the Python interface as HTML, with pdoc, into a folder."""

from __future__ import annotations

import argparse
from pathlib import Path

import pdoc
import segformer_ros

MODULES = (
    'segformer_ros',
    'segformer_ros.inference.results',
    'segformer_ros.inference.backend',
    'segformer_ros.inference.temporal',
    'segformer_ros.bundle',
    'segformer_ros.camera',
    'segformer_ros.labels',
    'segformer_ros.metrics',
    'segformer_ros.draw',
    'segformer_ros.point_cloud',
)
"""What python.md names, and what takes or makes their arguments."""


def write(folder: Path) -> None:
    """
    Write index.html and one page for each of MODULES.

    :param folder: Made where it is missing.
    """
    # The package imports them when they are used; pdoc documents what is there already.
    for name in segformer_ros.__all__:
        setattr(segformer_ros, name, getattr(segformer_ros, name))
    pdoc.render.configure(docformat='restructuredtext', show_source=False)
    pdoc.pdoc(*_without_submodules(), output_directory=folder)


def _without_submodules() -> list[str]:
    return [spec for name in MODULES for spec in (name, f'!{name}.')]


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('out', type=Path, help='folder to write')
    write(parser.parse_args().out)
