# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The files below a folder."""

import pytest
from segformer_ros.file_tree import files_below, is_hidden


def _write(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'')


def test_links_to_folders_are_followed(tmp_path):
    """Data often lie on another disk; two links to one folder are two folders."""
    _write(tmp_path / 'disk', 'b.png', 'deep/c.png')
    _write(tmp_path / 'data', 'a.png')
    for name in ('left', 'right'):
        (tmp_path / 'data' / name).symlink_to(tmp_path / 'disk', target_is_directory=True)
    assert list(files_below(tmp_path / 'data')) == [
        'a.png', 'left/b.png', 'left/deep/c.png', 'right/b.png', 'right/deep/c.png',
    ]  # fmt: skip


def test_a_link_back_ends(tmp_path):
    """A folder inside itself is entered once, by whatever way it comes back."""
    _write(tmp_path, 'a/x.png', 'b/y.png')
    (tmp_path / 'a' / 'up').symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / 'a' / 'other').symlink_to(tmp_path / 'b', target_is_directory=True)
    (tmp_path / 'b' / 'other').symlink_to(tmp_path / 'a', target_is_directory=True)
    assert list(files_below(tmp_path)) == [
        'a/other/y.png', 'a/x.png', 'b/other/x.png', 'b/y.png',
    ]  # fmt: skip


def test_hidden_files_and_folders_are_left_out(tmp_path):
    """What desktops and notebooks leave is no data; the folder itself may be hidden."""
    root = tmp_path / '.data'
    hidden = ['.Trash/a.png', '.thumbnails/b.png', 'x/.ipynb_checkpoints/c.png', 'x/._d.png']
    _write(root, 'x/d.png', *hidden)
    assert list(files_below(root)) == ['x/d.png']
    assert all(is_hidden(name) for name in hidden)
    assert not is_hidden('x/d.png')


def test_a_link_to_nothing_is_named(tmp_path):
    """It is found missing by whoever reads it, not left out in silence."""
    (tmp_path / 'a.png').symlink_to(tmp_path / 'gone')
    assert list(files_below(tmp_path)) == ['a.png']


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    """Not an empty one."""
    with pytest.raises(OSError, match='gone'):
        list(files_below(tmp_path / 'gone'))
