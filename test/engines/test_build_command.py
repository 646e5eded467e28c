# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""segformer build-engine, as a user runs it, with NVIDIA's own builder and no GPU."""

import argparse
import io
from pathlib import Path
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest
from segformer_ros import bundle as bundles
from segformer_ros.cli import main
from segformer_ros.commands.build_engine import _advance as advance
from segformer_ros.commands.build_engine import _BAR as BAR
from segformer_ros.commands.build_engine import batch
from segformer_ros.engines.builder_process import Progress
from segformer_ros.engines.cache import EngineCache
from segformer_ros.engines.request import find_target
from segformer_ros.engines.sidecar import engine_facts
from segformer_ros.inference.engine_request import engine_request
from tiny_bundle import make_tiny_bundle
from tqdm import tqdm

BOTH = ('logits', 'depth')
ARGUMENTS = ['--device', 'sm86', '--precision', 'float32']


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Return a bundle of two input sizes."""
    pytest.importorskip('tensorrt_rtx', reason='has wheels for x86_64 alone')
    path = tmp_path_factory.mktemp('bundle') / 'tiny'
    return str(make_tiny_bundle(path, sizes=((64, 128), (96, 160))))


@pytest.fixture
def cache(tmp_path):
    """Return the folder of a cache."""
    return tmp_path / 'engines'


def test_every_size_is_built_and_then_found(folder, cache, capsys):
    """One line for each: the file and what it is."""
    command = ['build-engine', folder, *ARGUMENTS, '--batch', '6', '--cache', str(cache)]
    assert main(command) == 0
    first = capsys.readouterr().out.splitlines()
    assert main(command) == 0
    second = capsys.readouterr().out.splitlines()

    assert [line.split(': ')[0] for line in first] == [line.split(': ')[0] for line in second]
    for line, size in zip(first, ('64x128', '96x160'), strict=True):
        path, text = line.split(': ')
        assert Path(path).read_bytes()[:4] == b'vtrt'
        assert text.startswith(f'tiny {size} float32, 1 to 6 images, sm86, tensorrt_rtx 1.')
        assert text.endswith(' s in all)')
    assert all(line.endswith('(from the cache)') for line in second)


def test_engines_are_listed_and_removed(folder, cache, capsys):
    """By the beginning of their key, or all."""
    size = ['--size', '64x128', '--cache', str(cache)]
    for precision in (ARGUMENTS, [*ARGUMENTS, '--batch', '2..4']):
        assert main(['build-engine', folder, *precision, *size]) == 0
    capsys.readouterr()

    assert main(['build-engine', '--list', *size[2:]]) == 0
    *lines, total = capsys.readouterr().out.splitlines()
    assert {line.split(', ')[1] for line in lines} == {'1 image(s)', '2 to 4 images'}
    assert total.startswith('2 engine(s), ')
    assert total.endswith(f' in {cache}')
    key = lines[0].split()[0]
    assert main(['build-engine', '--remove', key[:8], '--list', *size[2:]]) == 0
    removed, kept, _ = capsys.readouterr().out.splitlines()
    assert removed == f'{key} removed'
    assert kept == lines[1]
    assert main(['build-engine', '--remove', key, *size[2:]]) == 1
    assert 'fits 0: see --list' in capsys.readouterr().err
    assert main(['build-engine', '--remove', 'all', *size[2:]]) == 0
    assert EngineCache(cache).entries() == []


def test_a_refused_engine_is_reported(folder, cache, capsys):
    """On the side; the engine is built again."""
    command = ['build-engine', folder, *ARGUMENTS, '--size', '64x128', '--cache', str(cache)]
    main(command)
    path = Path(capsys.readouterr().out.split(': ')[0])
    path.write_bytes(b'another program')

    assert main(command) == 0

    captured = capsys.readouterr()
    assert 'found 15 of' in captured.err
    assert captured.err.endswith(': it was not loaded\n')
    assert captured.out.endswith(' s in all)\n')
    assert path.read_bytes()[:4] == b'vtrt'


@pytest.mark.parametrize(
    ('arguments', 'sentence'),
    [
        (['--device', 'sm86'], 'expected a float16 graph for tensorrt, found float32 alone'),
        ([*ARGUMENTS, '--size', '32x32'], 'size of the bundle (64x128, 96x160), got 32x32'),
        ([*ARGUMENTS, '--trt-variant', 'tensorrt'], 'only for the GPU of the machine'),
        (['--device', 'sm90', '--precision', 'float32'], 'does not build for sm90: it builds for'),
        ([*ARGUMENTS, '--version-compatible'], 'leave out --version-compatible'),
        ([*ARGUMENTS, '--optimization-level', '9'], 'optimization level of 0 to 5, got 9'),
        ([*ARGUMENTS, '--cache', __file__], 'a file in its place'),
    ],
)
def test_a_failed_build_is_one_sentence(folder, cache, capsys, arguments, sentence):
    """And exit code 1; nothing is left."""
    place = [] if '--cache' in arguments else ['--cache', str(cache)]
    assert main(['build-engine', folder, *place, *arguments]) == 1
    captured = capsys.readouterr()
    assert captured.out == ''
    assert captured.err.startswith('segformer: error: ')
    assert captured.err.count('\n') == 1
    assert sentence in captured.err
    assert not cache.exists() or list(cache.iterdir()) == []


def test_a_bundle_must_be_named(capsys):
    """Unless the cache alone is meant."""
    assert main(['build-engine']) == 1
    assert 'the name or the folder of a bundle' in capsys.readouterr().err


@pytest.mark.parametrize(('text', 'expected'), [('1', (1, 1)), ('6', (1, 6)), ('2..4', (2, 4))])
def test_batches_are_the_most_or_a_range(text, expected):
    """One number is the most."""
    assert batch(text) == expected


@pytest.mark.parametrize('text', ['0', '4..2', '1-6', 'many', ''])
def test_other_batches_are_refused(text):
    """With an example."""
    with pytest.raises(argparse.ArgumentTypeError, match=r'such as 6, or 1\.\.6'):
        batch(text)


def test_a_bar_shows_how_far_the_build_is():
    """With what is being done and for how long; a person sees it in a terminal alone."""
    screen = io.StringIO()
    handle = SimpleNamespace(progress=lambda: Progress(0.42, 'Timing kernels', 63.0))
    with tqdm(total=1.0, desc='street', bar_format=BAR, file=screen, ncols=80, ascii=True) as bar:
        advance(bar, handle)
    last = screen.getvalue().split('\r')[-1]
    assert last.startswith('street  42%|###')
    assert last.strip().endswith('| 00:00, Timing kernels')


def test_ctrl_c_leaves_nothing(folder, cache):
    """The command ends with 130; neither a process nor a file is left."""
    bundle = bundles.read(folder)
    size = bundle.manifest.input_sizes[1]
    second = engine_request(bundle, size, precision='float32', device='sm86')
    lock = EngineCache(cache).lock(engine_facts(second, find_target(second)))
    command = ['build-engine', folder, *ARGUMENTS, '--cache', str(cache)]
    with (
        lock,
        subprocess.Popen(
            [sys.executable, '-u', '-m', 'segformer_ros.cli', *command],
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        # The first engine is there, the second waits for the lock.
        assert 'tiny 64x128' in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(240.0) == 130
    assert rest == ''
    assert {path.suffix for path in cache.iterdir()} == {'.engine', '.json'}
    assert len(EngineCache(cache).entries()) == 1
