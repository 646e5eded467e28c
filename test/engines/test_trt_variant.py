# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The TensorRT that is installed, or a sentence about what to install."""

import sys
from types import ModuleType

import pytest
from segformer_ros.engines.errors import EngineError
from segformer_ros.engines.trt_variant import find_trt_variant


def module_of(name, version):
    """Make an empty module of a version."""
    module = ModuleType(name)
    module.__version__ = version
    return module


@pytest.fixture
def absent(monkeypatch):
    """Hide every TensorRT."""
    for name in ('tensorrt', 'tensorrt_rtx'):
        monkeypatch.setitem(sys.modules, name, None)
    return monkeypatch


def test_a_missing_tensorrt_is_reported_with_its_command(absent):
    """A line for each variant."""
    with pytest.raises(EngineError) as error:
        find_trt_variant()
    assert 'expected tensorrt, found none: pip install tensorrt-cu13' in str(error.value)
    assert 'python3-libnvinfer' in str(error.value)
    assert 'pip install tensorrt-rtx-cu13' in str(error.value)


def test_tensorrt_comes_first(absent):
    """For the GPU of the machine; for others only TensorRT for RTX builds."""
    absent.setitem(sys.modules, 'tensorrt', module_of('tensorrt', '10.3.0'))
    absent.setitem(sys.modules, 'tensorrt_rtx', module_of('tensorrt_rtx', '1.7.1.116'))

    assert str(find_trt_variant()) == 'tensorrt 10.3.0'
    assert str(find_trt_variant(builds_ahead=True)) == 'tensorrt_rtx 1.7.1.116'
    assert find_trt_variant().has_timing_cache
    assert not find_trt_variant().builds_ahead
    with pytest.raises(EngineError, match='only for the GPU of the machine'):
        find_trt_variant('tensorrt', builds_ahead=True)


def test_versions_before_strong_typing_are_refused(absent):
    """JetPack 6.0 has TensorRT 8.6, which has another API."""
    absent.setitem(sys.modules, 'tensorrt', module_of('tensorrt', '8.6.2'))
    with pytest.raises(EngineError, match=r'expected tensorrt 10.0 or later, found 8\.6\.2'):
        find_trt_variant('tensorrt')


def test_a_library_that_is_missing_is_named(absent, tmp_path):
    """The bindings are there and what they need is not."""
    (tmp_path / 'tensorrt.py').write_text('raise ImportError("libnvinfer.so.10: cannot open")')
    absent.delitem(sys.modules, 'tensorrt')
    absent.syspath_prepend(tmp_path)
    with pytest.raises(EngineError, match=r'tensorrt does not load: libnvinfer\.so\.10'):
        find_trt_variant('tensorrt')


def test_an_unknown_name_is_refused():
    """It says which there are."""
    with pytest.raises(EngineError, match=r"tensorrt, tensorrt_rtx, got 'lean'"):
        find_trt_variant('lean')
