# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Builds in processes of their own, with NVIDIA's own builder (TensorRT for RTX, no GPU)."""

import json
import os
import signal
import subprocess
import sys
import threading

import pytest
from segformer_ros.engines import builder_process
from segformer_ros.engines.builder_process import start_build
from segformer_ros.engines.cache import EngineCache
from segformer_ros.engines.errors import BuildCancelledError, EngineError
from segformer_ros.engines.get_or_build import WAITING
from segformer_ros.engines.gpu import Gpu
from segformer_ros.engines.request import BuildRequest, find_target
from segformer_ros.engines.sidecar import engine_facts
from tiny_bundle import make_tiny_bundle

PARENT = """
import json, sys
from segformer_ros.engines.builder_process import start_build
from segformer_ros.engines.request import BuildRequest
handle = start_build(BuildRequest.from_json(json.loads(sys.argv[1])))
print(handle._process.pid, flush=True)
handle._ended.wait()
"""
# A builder is nice to others: on a busy machine it is slow.
LIMIT_S = 900.0


@pytest.fixture
def request_(tmp_path):
    """Return a request that TensorRT for RTX builds in a moment."""
    pytest.importorskip('tensorrt_rtx', reason='has wheels for x86_64 alone')
    folder = make_tiny_bundle(tmp_path / 'tiny')
    return BuildRequest(
        folder / 'network_64x128.onnx',
        (folder / 'weights.bin',),
        name='tiny',
        device='sm86',
        cache=tmp_path / 'engines',
    )


def wait_for(fact):
    """Wait until something is the case."""
    pause = threading.Event()
    for _ in range(int(LIMIT_S / 0.02)):
        if fact():
            return
        pause.wait(0.02)
    pytest.fail('it never was')


def lock_of(request):
    """Hold back whoever wants to build a request."""
    return EngineCache(request.cache).lock(engine_facts(request, find_target(request)))


def test_an_engine_is_built_elsewhere(request_):
    """The handle follows it to its end; then the engine is in the cache."""
    handle = start_build(request_)
    built = handle.result(LIMIT_S)

    assert handle.done
    assert handle.progress().fraction == 1.0
    assert handle.progress().elapsed_s == handle.progress().elapsed_s > 0.0
    assert not built.reused
    assert built.notes == ()
    assert built.sidecar.facts['gpu']['capability'] == 'sm86'
    stored = EngineCache(request_.cache).load(engine_facts(request_, find_target(request_)))
    assert stored.path == built.path
    assert stored.data[:4] == b'vtrt'
    assert start_build(request_).result(LIMIT_S).reused


def test_only_one_of_two_processes_builds(request_):
    """The other waits and takes its engine."""
    with lock_of(request_):
        handles = [start_build(request_) for _ in range(2)]
        wait_for(lambda: all(handle.progress().phase == WAITING for handle in handles))

    results = [handle.result(LIMIT_S) for handle in handles]

    assert sorted(result.reused for result in results) == [False, True]
    assert results[0].path == results[1].path
    assert {path.suffix for path in request_.cache.iterdir()} == {'.engine', '.json'}


def test_a_build_can_be_cancelled(request_):
    """Nothing of it is left, and asking again is harmless."""
    with lock_of(request_), start_build(request_) as handle:
        wait_for(lambda: handle.progress().phase == WAITING)
        with pytest.raises(TimeoutError, match=r'not finished after 0\.01 s'):
            handle.result(0.01)
        handle.cancel()
        with pytest.raises(BuildCancelledError):
            handle.result(LIMIT_S)
        handle.cancel()
    assert list(request_.cache.iterdir()) == []


def test_leaving_the_block_ends_the_build(request_):
    """As Ctrl-C does in a command."""
    with lock_of(request_):
        handle = start_build(request_)
        wait_for(lambda: handle.progress().phase == WAITING)
        with pytest.raises(KeyboardInterrupt), handle:
            raise KeyboardInterrupt
        assert handle.done
        with pytest.raises(BuildCancelledError):
            handle.result()


def test_a_builder_that_does_not_listen_is_killed(request_, monkeypatch):
    """After a time; the cancelled build is one all the same."""
    monkeypatch.setattr(builder_process, '_KILL_AFTER_S', 0.0)
    with lock_of(request_):
        handle = start_build(request_)
        wait_for(lambda: handle.progress().phase == WAITING)
        os.kill(handle._process.pid, signal.SIGSTOP)
        handle.cancel()
        with pytest.raises(BuildCancelledError, match='the build of tiny was cancelled'):
            handle.result(LIMIT_S)


@pytest.mark.parametrize(
    ('number', 'sentence'),
    [
        (signal.SIGKILL, 'SIGKILL: it was killed, most likely because the memory was used up'),
        (signal.SIGTERM, 'that builds tiny has ended with signal SIGTERM'),
    ],
)
def test_a_builder_that_dies_is_reported(request_, number, sentence):
    """It takes nothing with it."""
    with lock_of(request_):
        handle = start_build(request_)
        wait_for(lambda: handle.progress().phase == WAITING)
        os.kill(handle._process.pid, number)
        with pytest.raises(EngineError, match=sentence):
            handle.result(LIMIT_S)
    assert handle.progress().phase == 'failed'


def test_ctrl_c_in_a_terminal_is_for_the_parent(request_):
    """The builder gets it too, and goes on until the parent says otherwise."""
    lock = lock_of(request_)
    with lock:
        handle = start_build(request_)
        wait_for(lambda: handle.progress().phase == WAITING)
        os.kill(handle._process.pid, signal.SIGINT)
    assert handle.result(LIMIT_S).path.is_file()


def test_errors_come_as_they_were_said(request_, tmp_path):
    """Those of the builder, and of a process that cannot even begin."""
    (tmp_path / 'damaged.onnx').write_bytes(b'nonsense')
    damaged = BuildRequest(tmp_path / 'damaged.onnx', device='sm86', cache=request_.cache)
    with pytest.raises(EngineError, match=r'cannot read .*damaged\.onnx'):
        start_build(damaged).result(LIMIT_S)


def test_a_process_that_cannot_begin_says_why(request_, monkeypatch):
    """The last line of its traceback."""
    monkeypatch.setattr(builder_process, '_CHILD', 'segformer_ros.engines.of_nobody')
    with pytest.raises(EngineError, match=r'exit code 1: .*No module named segformer_ros'):
        start_build(request_).result(LIMIT_S)


def test_a_builder_ends_with_its_parent(request_):
    """However that ended: nobody is left to want the engine."""
    with lock_of(request_):
        with subprocess.Popen(
            [sys.executable, '-c', PARENT, json.dumps(request_.as_json())],
            stdout=subprocess.PIPE,
        ) as parent:
            builder = int(parent.stdout.readline())
            parent.kill()
        wait_for(lambda: not is_running(builder))
    assert list(request_.cache.iterdir()) == []


def is_running(number):
    """Return whether a process exists and has not ended."""
    try:
        with open(f'/proc/{number}/stat', encoding='utf-8') as file:
            return file.read().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False


def test_the_gpu_of_a_request_is_that_of_its_device(request_):
    """Without asking a driver for one that is elsewhere."""
    assert find_target(request_).gpu == Gpu('sm86')
