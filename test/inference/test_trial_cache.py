# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a trial found is kept for the same facts, or tried again."""

import os

import pytest
from segformer_ros.cache_folder import cache_folder
from segformer_ros.inference import trial_cache

FACTS = {'machine': {'processor': 'a', 'cores': 2}, 'threads': 1}
FOUND = {'trials': [{'backend': 'onnxruntime', 'milliseconds': 1.25}]}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Return the folder of the files, which is not there yet."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    return tmp_path / 'segformer_ros' / 'trials'


def test_what_was_found_is_found_again():
    """For these facts and for no others."""
    assert trial_cache.read(FACTS) is None
    trial_cache.write(FACTS, FOUND)
    assert trial_cache.read(FACTS) == FOUND
    assert trial_cache.read({**FACTS, 'threads': 2}) is None


def test_the_last_one_counts_and_nothing_else_is_left(folder):
    """One file for each set of facts, written to another name first."""
    for found in ({'trials': []}, FOUND):
        trial_cache.write(FACTS, found)
    trial_cache.write({**FACTS, 'threads': 2}, FOUND)
    assert trial_cache.read(FACTS) == FOUND
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize(
    'content', [b'', b'{', b'[]', b'\xff\xfe', b'{"facts": {}, "found": {}}', b'[' * 100_000]
)
def test_a_damaged_file_is_none(folder, content):
    """It is replaced by the next trial."""
    trial_cache.write(FACTS, FOUND)
    (path,) = folder.iterdir()
    path.write_bytes(content)
    assert trial_cache.read(FACTS) is None
    trial_cache.write(FACTS, FOUND)
    assert trial_cache.read(FACTS) == FOUND


def test_a_file_of_other_facts_is_none(folder):
    """Whoever copied it there."""
    trial_cache.write({**FACTS, 'threads': 2}, FOUND)
    (other,) = folder.iterdir()
    trial_cache.write(FACTS, FOUND)
    (path,) = set(folder.iterdir()) - {other}
    other.replace(path)
    assert trial_cache.read(FACTS) is None


def test_without_a_cache_nothing_is_kept(monkeypatch):
    """And nothing fails."""
    monkeypatch.setattr(trial_cache, 'cache_folder', lambda *_: None)
    trial_cache.write(FACTS, FOUND)
    assert trial_cache.read(FACTS) is None


def test_a_full_disk_leaves_what_was_there(folder, monkeypatch):
    """A file that cannot be put into its place is removed."""
    trial_cache.write(FACTS, FOUND)

    def fail(*_):
        raise OSError('no space left')

    monkeypatch.setattr(os, 'replace', fail)
    trial_cache.write(FACTS, {'trials': []})
    assert trial_cache.read(FACTS) == FOUND
    assert len(list(folder.iterdir())) == 1
    assert cache_folder('trials') == folder


def test_the_machine_is_named_and_stays_the_same():
    """No part of it changes from reading to reading, as clock rates do."""
    first, second = trial_cache.machine(), trial_cache.machine()
    assert first == second
    assert first['processor']
    assert first['cores'] == len(os.sched_getaffinity(0))


def test_another_cpu_is_another_machine(tmp_path, monkeypatch):
    """Its name, or only its instructions, may differ; its clock rate does not count."""
    texts = {
        'first': 'model name\t: A\nflags\t: avx2\ncpu MHz\t: 1.0\n\nmodel name\t: B\n',
        'faster': 'model name\t: A\nflags\t: avx2\ncpu MHz\t: 2.0\n\nmodel name\t: C\n',
        'newer': 'model name\t: A\nflags\t: avx2 avx512f\ncpu MHz\t: 1.0\n',
        'arm': 'Features\t: asimd\nCPU part\t: 0xd0c\n',
    }
    found = {}
    for name, text in texts.items():
        monkeypatch.setattr(trial_cache, '_PROCESSORS', tmp_path / name)
        (tmp_path / name).write_text(text)
        found[name] = trial_cache.machine()
    assert found['first']['processor'] == 'A'
    assert found['first'] == found['faster']
    assert len({item['features'] for item in found.values()}) == 3
    monkeypatch.setattr(trial_cache, '_PROCESSORS', tmp_path / 'none')
    assert trial_cache.machine()['processor']
