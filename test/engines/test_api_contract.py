# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Every name of TensorRT that our code uses, held against the real bindings of three versions.

The bindings of TensorRT 10 and 11 need three libraries, and of those nine functions of C, before
Python can import them. Here these nine are compiled and answer nothing. That proves that classes,
members of enumerations and numbers of arguments exist as we use them in both versions. It proves
nothing of what an engine computes, nor that it is built: no TensorRT takes part. TensorRT for RTX
is installed whole.
"""

import ast
import json
import os
from pathlib import Path
import platform
import subprocess
import sys

import pytest

ROOT = Path(__file__).parents[2]
RUNNER = Path(__file__).with_name('api_of_bindings.py')
SOURCES = [
    ROOT / 'segformer_ros' / path
    for path in (
        'engines/build.py',
        'engines/log.py',
        'engines/opening.py',
        'engines/progress.py',
        'inference/device_engine.py',
    )
]
# What a variable of these files is, by its name.
TYPES = {
    'trt': '',
    'builder': 'Builder',
    'network': 'INetworkDefinition',
    'parser': 'OnnxParser',
    'config': 'IBuilderConfig',
    'profile': 'IOptimizationProfile',
    'cache': 'ITimingCache',
    'measured': 'ITimingCache',
    'tensor': 'ITensor',
    'severity': 'ILogger.Severity',
    'runtime': 'Runtime',
    'engine': 'ICudaEngine',
    'context': 'IExecutionContext',
}
# Of TensorRT for RTX alone, and used for it alone.
AHEAD = {
    ('', 'ComputeCapability'),
    ('IBuilderConfig', 'num_compute_capabilities'),
    ('IBuilderConfig', 'set_compute_capability'),
}
# Names that the code takes from words, such as those of options.
BY_NAME = [
    ('HardwareCompatibilityLevel', 'AMPERE_PLUS', 'get', 0),
    ('HardwareCompatibilityLevel', 'SAME_COMPUTE_CAPABILITY', 'get', 0),
    ('DataType', 'FLOAT', 'get', 0),
    ('DataType', 'HALF', 'get', 0),
    ('DataType', 'BF16', 'get', 0),
    ('DataType', 'UINT8', 'get', 0),
]
FUNCTIONS = (
    'createInferBuilder_INTERNAL', 'createInferRefitter_INTERNAL', 'createInferRuntime_INTERNAL',
    'createNvOnnxParser_INTERNAL', 'createNvOnnxParserRefitter_INTERNAL',
    'getBuilderPluginRegistry', 'getNvOnnxParserVersion', 'getPluginRegistry',
    'initLibNvInferPlugins',
)  # fmt: skip
LIBRARIES = ('nvinfer', 'nvinfer_plugin', 'nvonnxparser')


def owner_of(node):
    """Name the type of an expression such as `config` or `self._context`; None for others."""
    name = node.id if isinstance(node, ast.Name) else getattr(node, 'attr', None)
    return TYPES.get(name.strip('_')) if name else None


def uses_of(source):
    """List what a file uses of TensorRT: type, name, how, and with how many arguments."""
    found = set()
    tree = ast.parse(source)
    calls = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or node.attr.startswith('__'):
            continue
        owner = owner_of(node.value)
        inner = node.value
        if isinstance(inner, ast.Attribute) and owner_of(inner.value) == '':
            owner = inner.attr
        if owner is None:
            continue
        call = calls.get(id(node))
        kind = 'set' if isinstance(node.ctx, ast.Store) else 'call' if call else 'get'
        count = len(call.args) + len(call.keywords) if call else 0
        if call and node.attr == '__init__':
            continue
        found.add((owner, node.attr, kind, count))
    return found


@pytest.fixture(scope='module')
def uses():
    """Collect the uses of all files."""
    found = set().union(*(uses_of(path.read_text(encoding='utf-8')) for path in SOURCES))
    return sorted(found) + BY_NAME


@pytest.fixture(scope='module')
def make_libraries(tmp_path_factory):
    """Return a function that compiles the three libraries of a major version."""

    def make(major):
        folder = tmp_path_factory.mktemp(f'tensorrt{major}')
        source = folder / 'nothing.c'
        source.write_text(''.join(f'void *{name}() {{ return 0; }}\n' for name in FUNCTIONS))
        paths = []
        for name in LIBRARIES:
            paths.append(folder / f'lib{name}.so.{major}')
            soname = f'-Wl,-soname,{paths[-1].name}'
            command = ['cc', '-shared', '-fPIC', soname, '-o', paths[-1], source]
            subprocess.run(command, check=True)
        return [str(path) for path in paths]

    return make


def ask(uses, name, module, *, folder=None, libraries=()):
    """Ask the runner, in a process of its own."""
    asked = {
        'uses': uses,
        'name': name,
        'module': module,
        'folder': folder,
        'libraries': list(libraries),
    }
    done = subprocess.run(
        [sys.executable, RUNNER, json.dumps(asked)],
        capture_output=True,
        text=True,
        env={**os.environ, 'PYTHONPATH': str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def bindings_of(major):
    """Return the folder that `make setup-test` installs the bindings of a version into."""
    folder = Path(sys.prefix) / f'tensorrt-{major}'
    if not (folder / 'tensorrt_bindings').is_dir():
        if platform.machine() == 'x86_64' and os.environ.get('SEGFORMER_TEST_REQUIRES'):
            pytest.fail(f'expected the bindings in {folder}, found none: make setup-test')
        pytest.skip(f'no bindings in {folder}: make setup-test installs them on x86_64')
    return str(folder)


@pytest.mark.parametrize(('major', 'version'), [(10, '10.16.1.11'), (11, '11.4.0.106')])
def test_tensorrt_has_what_we_use(uses, make_libraries, major, version):
    """Names and signatures, not numerics: no TensorRT is behind these bindings."""
    folder = bindings_of(major)
    common = [use for use in uses if use[:2] not in AHEAD]

    answer = ask(
        common, 'tensorrt', 'tensorrt_bindings', folder=folder, libraries=make_libraries(major)
    )

    assert answer['missing'] == []
    # Of what we do not use: TensorRT 11 has no flags of precisions any more.
    assert answer['flags'] == {'FP16': major == 10, 'TF32': True}
    assert answer['begin']['trt_variant'] == f'tensorrt {version}'
    assert answer['begin']['told'] == [[0.0, 'build'], [0.5, 'build']]
    assert f'the builder of tensorrt {version} does not start' in answer['begin']['error']


def test_tensorrt_for_rtx_has_what_we_use(uses):
    """The same names and those for GPUs elsewhere, in the library that is installed."""
    pytest.importorskip('tensorrt_rtx', reason='has wheels for x86_64 alone')

    answer = ask(uses, 'tensorrt_rtx', 'tensorrt_rtx')

    assert answer['missing'] == []
    assert not answer['flags']['FP16']
    assert 'expected an ONNX file at absent.onnx' in answer['begin']['error']


def test_the_scan_finds_what_the_code_uses(uses):
    """Calls that no engine can do without are among what is compared."""
    for use in (
        ('', 'Builder', 'call', 1),
        ('Builder', 'build_serialized_network', 'call', 2),
        ('OnnxParser', 'parse_from_file', 'call', 1),
        ('NetworkDefinitionCreationFlag', 'STRONGLY_TYPED', 'get', 0),
        ('IBuilderConfig', 'progress_monitor', 'set', 0),
        ('IBuilderConfig', 'set_timing_cache', 'call', 2),
        ('IOptimizationProfile', 'set_shape', 'call', 4),
        ('Runtime', 'deserialize_cuda_engine', 'call', 1),
        ('IExecutionContext', 'execute_async_v3', 'call', 1),
        ('ICudaEngine', 'get_tensor_profile_shape', 'call', 2),
    ):
        assert use in uses
    assert len(uses) > 40


def test_the_check_finds_what_is_wrong():
    """A name of TensorRT 8, a wrong number of arguments, and what cannot be set."""
    pytest.importorskip('tensorrt_rtx', reason='has wheels for x86_64 alone')
    wrong = [
        ('BuilderFlag', 'FP16', 'get', 0),
        ('Builder', 'build_engine', 'call', 2),
        ('IOptimizationProfile', 'set_shape', 'call', 3),
        ('INetworkDefinition', 'num_inputs', 'set', 0),
    ]
    assert ask(wrong, 'tensorrt_rtx', 'tensorrt_rtx')['missing'] == [
        'BuilderFlag.FP16 is missing',
        'Builder.build_engine is missing',
        'IOptimizationProfile.set_shape takes [(4, 4)], not 3 arguments',
        'INetworkDefinition.num_inputs cannot be set',
    ]
