# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What all tests share: their groups, their cache, and the builders in support/."""

from collections.abc import Iterator
import os
from pathlib import Path
import re
import signal
import sys

import pytest
from segformer_ros.reserved import reserve

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / 'support'), str(HERE)]

# A shell that runs the tests in the background has them ignore SIGINT, and so would every process
# that they start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


# The packages of requirements/train.txt and test.txt that a run time does without.
_OPTIONAL = {
    'PIL', 'aiohttp', 'fsspec', 'fvcore', 'h5py', 'huggingface_hub', 'hypothesis', 'jinja2',
    'lightning_fabric', 'matplotlib', 'mcap', 'mcap_ros2', 'onnx', 'onnxscript', 'openvino',
    'safetensors', 'torch', 'torchmetrics', 'transformers', 'webdataset',
}  # fmt: skip


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that chooses a group of test/groups.txt."""
    parser.addoption(
        '--group', choices=list(_groups()), help='the tests of one line of groups.txt'
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the folders of other groups; what no line names is in `others`."""
    group = config.getoption('--group')
    if group is None or HERE not in collection_path.parents:
        return None
    owners = [
        name for name, folders in _groups().items() for f in folders if _is_in(collection_path, f)
    ]
    return group not in (owners or ['others'])


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """Skip a module whose package is not installed, unless `make test` asks for all of them."""
    report = yield
    if report.failed and 'SEGFORMER_TEST_REQUIRES' not in os.environ:
        missing = re.search(r"ModuleNotFoundError: No module named '(\w+)", str(report.longrepr))
        if missing and missing[1] in _OPTIONAL:
            report.outcome = 'skipped'
            report.longrepr = (str(collector.path), 0, f'Skipped: {missing[1]} is not installed')
    return report


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Let a group succeed whose modules were all skipped, with the reason that they print."""
    nothing_ran = exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED
    whole_group = session.config.getoption('--group') and not session.config.option.keyword
    if nothing_ran and whole_group and 'SEGFORMER_TEST_REQUIRES' not in os.environ:
        session.exitstatus = pytest.ExitCode.OK


def _groups() -> dict[str, list[str]]:
    lines = (HERE / 'groups.txt').read_text(encoding='utf-8').splitlines()
    return {name: folders for name, *folders in map(str.split, lines)}


def _is_in(path: Path, folder: str) -> bool:
    """Return whether a path is that folder (from the root of the checkout), or in it."""
    return path.is_relative_to(HERE.parent / folder)


@pytest.fixture(scope='session', autouse=True)
def own_cache(tmp_path_factory):
    """Keep what the tests compile and measure apart from the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('XDG_CACHE_HOME', str(tmp_path_factory.mktemp('cache')))
        yield


@pytest.fixture(scope='session', autouse=True)
def own_domain():
    """Keep the ROS domain of these tests from being chosen for a node of other tests."""
    handle = reserve(f'domain {os.environ.get("ROS_DOMAIN_ID", "0")}')
    yield
    if handle is not None:
        os.close(handle)


@pytest.fixture(autouse=True)
def no_handler_of_dead_children():
    """
    Take back the handler of SIGCHLD that torch's DataLoader leaves in the process.

    With the native libraries of all engines in one process, waiting for a child ended in a
    segmentation fault inside poll(): as if the stack that signals are handled on had gone.
    """
    yield
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
