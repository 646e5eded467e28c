# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
A double of the builder half of the module `tensorrt`, in memory.

It shows which calls our code makes and what it does with their answers. That the real bindings
have these names is the business of test_api_contract; nothing here computes.
"""

from enum import Enum
from pathlib import Path
from types import ModuleType, SimpleNamespace

from segformer_ros.engines.gpu import Gpu
from segformer_ros.engines.request import Target
from segformer_ros.engines.trt_variant import TrtVariant

GPU = Gpu('sm87', 'Orin', '540.4.0')


class _Cache(bytes):
    def serialize(self):
        return bytes(self)


class _Config:
    def __init__(self, calls, measured):
        self.calls, self._measured = calls, measured
        self.builder_optimization_level = 3
        self.hardware_compatibility_level = None
        self.progress_monitor = None

    def set_memory_pool_limit(self, pool, size):
        self.calls.append(('workspace', pool, size))

    def set_flag(self, flag):
        self.calls.append(('set', flag.name))

    def clear_flag(self, flag):
        self.calls.append(('clear', flag.name))

    def add_optimization_profile(self, profile):
        self.calls.append(('profile', profile.shapes))
        return 0

    def create_timing_cache(self, data):
        return None if data == b'foreign' else _Cache(data)

    def set_timing_cache(self, cache, ignore_mismatch):
        assert not ignore_mismatch
        self.calls.append(('timing cache', bytes(cache)))
        return True

    def get_timing_cache(self):
        return _Cache(self._measured)


class _Profile:
    def __init__(self):
        self.shapes = {}

    def set_shape(self, name, least, best, most):
        self.shapes[name] = (least, best, most)


def make_double(version='10.16.1.11', *, measured=b'times', result=b'engine', levels=('NONE',)):
    """
    Make the module; its attribute calls is what was called, in order.

    :param measured: The timing cache after a build.
    :param result: The engine; None is a failure.
    :param levels: The members of HardwareCompatibilityLevel.
    """
    module = ModuleType('tensorrt')
    module.__version__, module.calls = version, []
    severity = Enum('Severity', 'INTERNAL_ERROR ERROR WARNING INFO VERBOSE')

    class Logger:
        Severity = severity

    class Monitor:
        pass

    class Network:
        num_inputs = num_outputs = 1

        def get_input(self, index):
            return SimpleNamespace(
                name='image', dtype=SimpleNamespace(name='UINT8'), shape=(-1, 64, 96, 3)
            )

        def get_output(self, index):
            return SimpleNamespace(
                name='logits', dtype=SimpleNamespace(name='FLOAT'), shape=(-1, 3, 16, 24)
            )

    class Builder:
        def __init__(self, logger):
            self.logger = logger

        def create_network(self, flags):
            module.calls.append(('network', flags))
            return Network()

        def create_builder_config(self):
            return _Config(module.calls, measured)

        def create_optimization_profile(self):
            return _Profile()

        def build_serialized_network(self, network, config):
            monitor = config.progress_monitor
            monitor.phase_start('build', None, 4)
            for step in range(4):
                if not monitor.step_complete('build', step):
                    return None
            monitor.phase_finish('build')
            self.logger.log(severity.WARNING, 'slow\n  card')
            if result is None:
                self.logger.log(severity.ERROR, 'no tactic\n fits')
            return result

    class Parser:
        num_errors = 0

        def __init__(self, network, logger):
            pass

        def parse_from_file(self, path):
            return Path(path).is_file()

    module.ILogger, module.IProgressMonitor = Logger, Monitor
    module.Builder, module.OnnxParser = Builder, Parser
    module.BuilderFlag = Enum('BuilderFlag', 'TF32 VERSION_COMPATIBLE')
    module.MemoryPoolType = SimpleNamespace(WORKSPACE='workspace')
    module.NetworkDefinitionCreationFlag = SimpleNamespace(STRONGLY_TYPED=1)
    module.HardwareCompatibilityLevel = Enum('HardwareCompatibilityLevel', list(levels))
    return module


def double_target(module, gpu=GPU):
    """Return the target of a double: TensorRT on the GPU of this machine."""
    return Target(TrtVariant('tensorrt', module.__version__, module), gpu)
