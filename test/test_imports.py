# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Who may import whom: the table of docs/architecture.md, checked."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
import re
import subprocess
import sys

import pytest
import segformer_ros

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / 'segformer_ros'
ROS = {
    'ament_index_python', 'builtin_interfaces', 'cv_bridge', 'diagnostic_msgs', 'lifecycle_msgs',
    'nav_msgs', 'rcl_interfaces', 'rclpy', 'rosgraph_msgs', 'sensor_msgs', 'std_msgs',
    'std_srvs', 'vision_msgs',
}  # fmt: skip
FORBID = """
import importlib, sys
class Forbid:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in {forbidden!r}:
            raise AssertionError(name + ' imported')
sys.meta_path.insert(0, Forbid())
for module in {modules!r}:
    importlib.import_module(module)
"""


@dataclass(frozen=True)
class Piece:
    """One row of the table."""

    floor: int
    packages: frozenset[str]


def read_table() -> dict[str, Piece]:
    """Read the floors from the documentation."""
    pieces = {}
    text = (ROOT / 'docs' / 'architecture.md').read_text(encoding='utf-8')
    for floor, names, packages in re.findall(
        r'^\| (\d) \| ([^|]+) \|[^|]+\|([^|]*)\|', text, re.M
    ):
        allowed = {word.strip() for word in packages.split(',') if word.strip()}
        if 'ROS' in allowed:
            allowed |= ROS
        for name in re.findall(r'`(\w+)`', names):
            pieces[name] = Piece(int(floor), frozenset(allowed))
    return pieces


PIECES = read_table()
MODULES = sorted(PACKAGE.rglob('*.py'))


def piece_of(path: Path) -> str:
    """Name the piece that a module belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix('.py')


def imports_of(path: Path) -> Iterator[str]:
    """Yield the dotted name of everything that a module imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'{path}: a relative import'
            for alias in node.names:
                yield f'{node.module}.{alias.name}'


def module_names(*pieces: str) -> list[str]:
    """Name every module of some pieces."""
    paths = (path for path in MODULES if piece_of(path) in pieces)
    parts = (path.relative_to(ROOT).with_suffix('').parts for path in paths)
    return ['.'.join(part for part in names if part != '__init__') for names in parts]


def test_table_names_every_piece():
    """Each module and folder of the package has its row, and each row its module or folder."""
    assert set(PIECES) == {piece_of(path) for path in MODULES} - {'__init__'}


def is_allowed(own: str, name: str) -> bool:
    """Return whether a module of the piece may import the dotted name."""
    package, *rest = name.split('.')
    if package != 'segformer_ros':
        return package in PIECES[own].packages | sys.stdlib_module_names
    if not rest or rest[0] in {own, 'msg', '__path__'}:
        return True
    if own == 'cli':
        return rest[0] in {'commands', 'interrupts', 'nearest', 'process_memory'}
    return PIECES[rest[0]].floor < PIECES[own].floor


def test_modules_import_only_what_their_rows_allow():
    """A module imports its own piece, lower floors, the packages of its row, and Python's own."""
    wrong = [
        f'{path.relative_to(ROOT)} imports {name}'
        for path in MODULES
        for name in imports_of(path)
        if piece_of(path) != '__init__' and not is_allowed(piece_of(path), name)
    ]
    assert wrong == []


def test_package_itself_imports_nothing():
    """It extends its path; inference is imported where Pipeline is first used."""
    assert set(imports_of(PACKAGE / '__init__.py')) == {
        'pkgutil.extend_path',
        'segformer_ros.inference.pipeline',
        *(f'segformer_ros.inference.pipeline.{name}' for name in segformer_ros.__all__),
    }
    code = (
        'import sys, segformer_ros\n'
        'assert not {"numpy", "cv2", "numba"} & set(sys.modules)\n'
        'found = [name for name in sys.modules if name.startswith("segformer_ros.")]\n'
        'assert found == [], found\n'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


RUN_TIME_AND_WORLDS = (
    'labels', 'metrics', 'camera', 'image_encoding', 'carla', 'frame_rules', 'draw', 'run_folder',
    'cache_folder', 'result_images', 'stamp_pairs', 'bundle', 'world', 'inference', 'bags',
    'files', 'drive_dataset', 'evaluation', 'cli',
)  # fmt: skip

TORCH_BACKEND = 'segformer_ros.inference.torch_backend'


def test_one_module_of_the_run_time_imports_torch():
    """The backend of that name; everything else runs without it."""
    found = [
        path.name
        for path in MODULES
        if piece_of(path) in (*RUN_TIME_AND_WORLDS, 'nodes')
        for name in imports_of(path)
        if name.split('.')[0] == 'torch'
    ]
    assert set(found) == {'torch_backend.py'}


@pytest.mark.parametrize(
    ('pieces', 'forbidden'),
    [
        (RUN_TIME_AND_WORLDS, {'rclpy', 'sensor_msgs', 'torch'}),
        (('nodes',), {'torch'}),
        (('network', 'checkpoints', 'training', 'export'), {'rclpy', 'sensor_msgs'}),
    ],
    ids=['run time and worlds', 'nodes', 'learning'],
)
def test_wing_does_not_import(pieces: tuple[str, ...], forbidden: set[str]):
    """Nothing on the way to the modules of a wing imports a forbidden package."""
    for package, needed in (('rclpy', 'nodes'), ('torch', 'network'), ('jinja2', 'evaluation')):
        if needed in pieces:
            pytest.importorskip(package)
    modules = [name for name in module_names(*pieces) if name != TORCH_BACKEND]
    code = FORBID.format(forbidden=sorted(forbidden), modules=modules)
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_engines_are_imported_only_when_chosen():
    """Neither pipeline nor node needs an engine before one is loaded."""
    pieces = ('inference', 'nodes') if find_spec('rclpy') else ('inference',)
    modules = [name for name in module_names(*pieces) if not name.endswith('_backend')]
    forbidden = ['cuda', 'onnxruntime', 'openvino', 'pycuda', 'tensorrt', 'tensorrt_rtx', 'torch']
    code = FORBID.format(forbidden=forbidden, modules=modules)
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    'path', sorted((ROOT / 'launch').glob('*.py')), ids=lambda path: path.name
)
def test_launch_files_hold_no_logic_of_ours(path):
    """They start what is installed and import nothing of the package."""
    packages = {name.split('.')[0] for name in imports_of(path)}
    # launch reads the text of an argument as YAML, by the same package.
    allowed = {'launch', 'launch_ros', 'ament_index_python', 'yaml'}
    assert packages <= allowed | sys.stdlib_module_names
