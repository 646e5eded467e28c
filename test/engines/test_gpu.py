# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the driver says of a GPU; the driver is a library of four functions, compiled here."""

import subprocess

import pytest
from segformer_ros.engines import gpu
from segformer_ros.engines.errors import EngineError

DRIVER = """
#include <string.h>
int cuInit(unsigned flags) { return CODE; }
int cuDeviceGet(int *device, int index) { *device = index; return index > 0 ? 101 : 0; }
int cuDeviceGetName(char *name, int size, int device) { strncpy(name, "Orin", size); return 0; }
int cuDeviceGetAttribute(int *value, int which, int device) { *value = which == 75 ? 8 : 7;
    return 0; }
int cuDriverGetVersion(int *version) { *version = 12060; return 0; }
"""


@pytest.fixture
def driver(tmp_path, monkeypatch):
    """Return a function that compiles and installs a driver whose cuInit gives a code."""

    def install(code=0):
        source, library = tmp_path / 'cuda.c', tmp_path / f'libcuda{code}.so'
        source.write_text(DRIVER)
        command = ['cc', '-shared', '-fPIC', f'-DCODE={code}', '-o', library, source]
        subprocess.run(command, check=True)
        monkeypatch.setattr(gpu, '_LIBRARY', str(library))
        monkeypatch.setattr(gpu, '_MODULE_VERSION', tmp_path / 'version')

    return install


def test_the_driver_names_the_gpu(driver, tmp_path):
    """Name, compute capability, and the version of the driver, or else of its CUDA."""
    driver()
    assert gpu.current_gpu() == gpu.Gpu('sm87', 'Orin', 'CUDA 12.6')
    (tmp_path / 'version').write_text('NVRM version: NVIDIA UNIX  x86_64  580.65.06  Tue\n')
    assert gpu.current_gpu().driver == '580.65.06'
    assert str(gpu.current_gpu()) == 'Orin (sm87)'


def test_without_a_gpu_a_remedy_is_named(driver, monkeypatch):
    """A driver without a GPU, a number too high, and no driver at all."""
    driver(code=100)
    with pytest.raises(EngineError, match=r'cuInit with CUDA error 100: check nvidia-smi'):
        gpu.current_gpu()
    driver()
    with pytest.raises(EngineError, match='cuDeviceGet with CUDA error 101'):
        gpu.current_gpu(1)
    monkeypatch.setattr(gpu, '_LIBRARY', 'libcuda_of_nobody.so.1')
    with pytest.raises(EngineError, match=r'no libcuda_of_nobody.*build-engine --device sm86'):
        gpu.current_gpu()


@pytest.mark.parametrize(
    ('text', 'expected'),
    [('sm86', 'sm86'), ('SM_120', 'sm120'), ('8.9', 'sm89'), ('12.1', 'sm121'), ('75', 'sm75')],
)
def test_capabilities_are_written_in_several_ways(text, expected):
    """All become that of TensorRT, in small letters."""
    assert gpu.parse_capability(text) == expected


@pytest.mark.parametrize('text', ['', 'sm8', 'orin', '8.6.1', 'sm86a'])
def test_what_is_no_capability_is_refused(text):
    """With an example of one."""
    with pytest.raises(EngineError, match='such as sm86'):
        gpu.parse_capability(text)
