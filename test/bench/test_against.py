# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""This checkout against another commit: turns, and ratios the right way round."""

import json

import against
from comparison import against_child, against_rows
import pytest


def test_both_take_turns_and_the_first_round_fills_the_caches(monkeypatch, tmp_path):
    """The order turns round from round to round."""
    seen = []

    def figures(tree, inputs, out):
        seen.append(tree)
        return {'s': {'old': 4.0, 'new': 2.0}[tree] * len(seen)}

    monkeypatch.setitem(against.ROWS, 'image', against_rows.Row(figures))

    found = against.measure(['image'], ['old', 'new'], tmp_path, 2)

    assert seen == ['old', 'new', 'new', 'old', 'old', 'new']
    assert found == {'image, s': [[16.0, 20.0], [6.0, 12.0]]}


def test_a_row_that_fails_is_left_out(monkeypatch, tmp_path, capsys):
    """What it says is shown, and the other rows are measured."""

    def fail(tree, inputs, out):
        raise RuntimeError('no such command')

    monkeypatch.setitem(against.ROWS, 'bag', against_rows.Row(fail))
    monkeypatch.setitem(against.ROWS, 'image', against_rows.Row(lambda *_: {'s': 1.0}))

    assert list(against.measure(['bag', 'image'], ['old', 'new'], tmp_path, 1)) == ['image, s']
    assert 'row bag: no such command' in capsys.readouterr().err


@pytest.mark.parametrize(('row', 'ratio'), [('image', '2.00'), ('video', '0.50')])
def test_above_one_this_checkout_is_better(row, ratio):
    """Fewer seconds, more frames."""
    text = against.report({f'{row}, unit': [[4.0, 4.0], [2.0, 2.0]]})

    assert f'| 4.00 | 2.00 | {ratio} | {ratio} to {ratio} |' in text


def test_the_rows_of_a_table_have_a_program(monkeypatch):
    """Every row that runs a child names one that there is, and figures are named by their unit."""
    seen = []

    class Tree:
        folder, this = against._ROOT, True

        def python_json(self, *words):
            seen.append(words[1])
            return {'ms of CPU': 1.0}

    for name in ('cameras', 'cores', 'pictures', 'cloud', 'node'):
        assert against.ROWS[name].measure(Tree(), against._ROOT, against._ROOT)

    assert set(seen) | {'network'} == set(against_child.CHILDREN)


def test_frames_are_those_of_the_whole_command_too(tmp_path):
    """The clock of a report starts before or after the network is opened, commit by commit."""

    class Tree:
        folder, this = against._ROOT, True

        def segformer(self, *words):
            report = {'frames_per_second': 20.0, 'frames': {'done': 40, 'reused': 2}}
            (tmp_path / 'report.json').write_text(json.dumps(report))
            return 4.0, 100.0

    found = against.ROWS['video'].measure(Tree(), tmp_path, tmp_path)

    assert found['frames/s of its report'] == 20.0
    assert found['frames per s of CPU'] == 10.0
    assert found['frames/s of the whole command'] > 0.0


def test_the_other_commit_is_gone_afterwards(tmp_path):
    """Also the entry that git keeps of it."""
    with against.other_tree('HEAD', 'python', tmp_path) as tree:
        assert (tree.folder / 'segformer_ros' / 'cli.py').is_file()

    assert not tree.folder.exists()


def test_the_program_of_the_other_tree_runs(tmp_path):
    """Wherever this program was started, and with the memory of its own alone."""
    package = tmp_path / 'segformer_ros'
    package.mkdir()
    (package / '__init__.py').touch()
    (package / 'cli.py').write_text('import sys; sys.exit(sys.argv[1:] != ["run"])')
    weight = bytearray(200 << 20)

    seconds, memory = against.Tree(tmp_path, against.sys.executable).segformer('run')

    assert seconds > 0.0
    assert 0.0 < memory < len(weight) / 2**20


def test_a_command_that_fails_says_why():
    """With the end of what it wrote."""
    tree = against.Tree(against._ROOT, against.sys.executable)

    with pytest.raises(RuntimeError, match='found nothing at'):
        tree.segformer('run', '/nowhere.png', '--out', '/nowhere')


def test_two_distributions_of_ros_are_logged():
    """A node on Jazzy against one on Kilted is no comparison of the code alone."""

    class Tree:
        def __init__(self, version):
            self.version = version

        def python_json(self, *words):
            if not self.version:
                raise RuntimeError('no ROS')
            return {'ros-rclpy': self.version}

    assert against.ros_note([Tree('9.1.2'), Tree('9.1.2')]) == ''
    assert 'rclpy 9.1.2, this has 7.1.6' in against.ros_note([Tree('9.1.2'), Tree('7.1.6')])
    assert against.ros_note([Tree(''), Tree('7.1.6')]) == ''
