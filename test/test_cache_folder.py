# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A folder of the user's own, or none."""

import os
from pathlib import Path
import stat

import pytest
from segformer_ros.cache_folder import cache_folder, CacheFolderError, private_folder


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Return the home of a user who has not said where the cache is."""
    monkeypatch.delenv('XDG_CACHE_HOME')
    monkeypatch.setenv('HOME', str(tmp_path))
    return tmp_path


def _mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_cache_is_below_the_home(home):
    """Made with all folders around it, for its user alone."""
    folder = cache_folder('trials', 'inner')
    assert folder == home / '.cache' / 'segformer_ros' / 'trials' / 'inner'
    for path in (folder, folder.parent, folder.parents[1]):
        assert _mode(path) == 0o700
    assert cache_folder('trials', 'inner') == folder


@pytest.mark.parametrize('given', ['', 'relative/path'])
def test_a_place_that_is_not_absolute_counts_as_none(home, monkeypatch, given):
    """So the XDG specification says."""
    monkeypatch.setenv('XDG_CACHE_HOME', given)
    assert cache_folder() == home / '.cache' / 'segformer_ros'


def test_the_environment_says_where_the_cache_is(home, monkeypatch):
    """XDG_CACHE_HOME is used where it is absolute."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(home / 'elsewhere'))
    assert cache_folder('trials') == home / 'elsewhere' / 'segformer_ros' / 'trials'


def test_rights_of_others_are_taken_away(home):
    """Of a folder that was made before with other rights."""
    folder = home / '.cache' / 'segformer_ros'
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    assert cache_folder() == folder
    assert _mode(folder) == 0o700


def test_a_folder_of_another_user_is_not_used(home, monkeypatch):
    """Who owns the folder could change what is in it."""
    assert cache_folder() is not None
    monkeypatch.setattr(os, 'geteuid', lambda: os.getuid() + 1)
    assert cache_folder() is None


def test_where_nothing_can_be_written_there_is_no_cache(home, monkeypatch):
    """A file in the way, a folder that is only read, no home at all."""
    assert cache_folder('trials') is not None
    monkeypatch.setattr(os, 'access', lambda *_: False)
    assert cache_folder('trials') is None
    monkeypatch.undo()
    monkeypatch.setenv('XDG_CACHE_HOME', str(home / 'file' / 'cache'))
    (home / 'file').write_text('in the way')
    assert cache_folder() is None

    def homeless():
        raise RuntimeError('no home')

    monkeypatch.setenv('XDG_CACHE_HOME', '')
    monkeypatch.setattr(Path, 'home', homeless)
    assert cache_folder() is None


def test_a_private_folder_says_why_there_is_none(tmp_path, monkeypatch):
    """A file in its place, another owner, and no right to write: a sentence each."""
    file = tmp_path / 'file'
    file.write_text('in the way')
    with pytest.raises(CacheFolderError, match=r'a folder of user \d+ alone .* a file in its pla'):
        private_folder(file)
    with pytest.raises(CacheFolderError, match='a file in its place: choose another folder'):
        private_folder(file / 'inside')
    with monkeypatch.context() as patch:
        patch.setattr(os, 'access', lambda *_: False)
        with pytest.raises(CacheFolderError, match='one that cannot be written'):
            private_folder(tmp_path / 'closed')
    monkeypatch.setattr(os, 'geteuid', lambda: os.getuid() + 1)
    with pytest.raises(CacheFolderError, match=f'found one of user {os.getuid()}'):
        private_folder(tmp_path / 'foreign')
