# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The `segformer` command line."""

import argparse
import importlib
from importlib.util import find_spec
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from segformer_ros import cli


@pytest.fixture
def fake_command(monkeypatch):
    """Put a command in place of `segformer info` that does what the test says."""

    def install(action):
        module = SimpleNamespace(
            add_arguments=lambda parser: parser.add_argument('--number', type=int),
            run=lambda args: action(),
        )
        monkeypatch.setitem(sys.modules, 'segformer_ros.commands.info', module)

    return install


def _raise(error):
    def action():
        raise error

    return action


@pytest.mark.parametrize('name', list(cli.COMMANDS))
def test_the_help_table_equals_the_modules(name):
    """The static table of cli.py repeats what the modules say of themselves."""
    module = f'segformer_ros.commands.{name.replace("-", "_")}'
    if name in {'train', 'export', 'evaluate'} and find_spec('torch') is None:
        pytest.skip('torch is not installed')
    assert cli.COMMANDS[name] == importlib.import_module(module).HELP


def test_help_names_every_command_and_imports_no_work():
    """`segformer --help` starts with the standard library alone."""
    code = (
        'import sys\n'
        'from segformer_ros import cli\n'
        "code = cli.main(['--help'])\n"
        "heavy = {'numpy', 'cv2', 'torch', 'rclpy', 'rosbags', 'av', 'onnxruntime'}\n"
        'assert not heavy & set(sys.modules), heavy & set(sys.modules)\n'
        'sys.exit(code)\n'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    titles = [line for line in lines if line in {'use:', 'train:', 'convert:', 'measure:'}]
    assert titles == ['use:', 'train:', 'convert:', 'measure:']
    for name, text in cli.COMMANDS.items():
        assert [line.split(None, 1) for line in lines].count([name, text]) == 1


@pytest.mark.parametrize('arguments', [[], ['nonsense'], ['info', '--number', 'x']])
def test_wrong_usage_ends_with_2(arguments, fake_command, capsys):
    """Usage errors are those of argparse."""
    fake_command(lambda: 0)
    assert cli.main(arguments) == 2
    assert 'usage:' in capsys.readouterr().err


def test_the_result_of_a_command_is_the_exit_status(fake_command):
    """A command that ends with 3 ends the process with 3."""
    fake_command(lambda: 3)
    assert cli.main(['info']) == 3


@pytest.mark.parametrize(
    ('error', 'sentence'),
    [
        (ValueError('expected 1,\n  found 2'), 'expected 1, found 2'),
        (RuntimeError('the device is gone'), 'the device is gone'),
        (FileNotFoundError(2, 'No such file', 'x.png'), 'x.png: No such file'),
        (
            ModuleNotFoundError("No module named 'torch'", name='torch.nn'),
            "this needs the package 'torch', which is not installed: "
            "pip install '.[train]' in the checkout of segformer_ros",
        ),
        (
            ModuleNotFoundError("No module named 'rclpy'", name='rclpy'),
            "this needs the package 'rclpy', which is not installed",
        ),
    ],
)
def test_an_error_is_one_line(error, sentence, fake_command, capsys):
    """Nobody has to read a traceback to learn that a file is missing."""
    fake_command(_raise(error))
    assert cli.main(['info']) == 1
    assert capsys.readouterr().err == f'segformer: error: {sentence}\n'


@pytest.mark.parametrize('arguments', [['--debug', 'info'], ['info', '--debug']])
def test_debug_shows_the_traceback(arguments, fake_command):
    """With --debug the error itself comes out, before or after the command."""
    fake_command(_raise(ValueError('x')))
    with pytest.raises(ValueError, match='x'):
        cli.main(arguments)


def test_a_mistake_in_the_program_is_not_hidden(fake_command):
    """Errors that no user can cause keep their traceback."""
    fake_command(_raise(KeyError('x')))
    with pytest.raises(KeyError):
        cli.main(['info'])


def test_ctrl_c_ends_with_130(fake_command, capsys):
    """As a shell expects of a program that was interrupted."""
    fake_command(_raise(KeyboardInterrupt()))
    assert cli.main(['info']) == 130
    assert capsys.readouterr().err == ''


def test_a_reader_that_leaves_is_no_error():
    """`segformer info | head -1` says nothing on stderr."""
    read, write = os.pipe()
    os.close(read)
    code = (
        'import sys, types\n'
        'from segformer_ros import cli\n'
        'sys.modules["segformer_ros.commands.info"] = types.SimpleNamespace(\n'
        '    add_arguments=lambda parser: None, run=lambda args: sys.stdout.write("x") * 0)\n'
        'sys.exit(cli.main(["info"]))\n'
    )
    done = subprocess.run(
        [sys.executable, '-c', code], stdout=write, stderr=subprocess.PIPE, text=True
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (1, '')


def test_an_option_is_given_once(capsys):
    """The second value would replace the first in silence; what may be repeated still may."""
    arguments = ['info', 'road_b0', '--backend', 'auto', '--backend', 'openvino']
    assert cli.main(arguments) == 2
    assert 'argument --backend: expected once, found twice' in capsys.readouterr().err

    parser = argparse.ArgumentParser(exit_on_error=False)
    cli.refuse_repeats(parser)
    group = parser.add_argument_group('more').add_mutually_exclusive_group()
    group.add_argument('--model')
    parser.add_argument('--topic', action='append')
    parser.add_argument('input', nargs='?')
    args = parser.parse_args(['x', '--topic', 'a', '--model', 'b', '--topic', 'c'])
    assert (args.input, args.topic, args.model) == ('x', ['a', 'c'], 'b')
    with pytest.raises(argparse.ArgumentError, match='found twice'):
        parser.parse_args(['--model', 'b', '--model', 'c'])


@pytest.mark.parametrize(
    ('arguments', 'option'),
    [
        (['run', 'x', '--out', ''], '--out'),
        (['export', 'x', ''], 'out'),
        (['evaluate', 'x', 'y', '--report', ' '], '--report'),
    ],
)
def test_an_empty_path_is_not_the_current_folder(capsys, arguments, option):
    """An unset variable of a script would fill it."""
    assert cli.main(arguments) == 2
    said = f'argument {option}: expected a file or folder, found an empty text'
    assert said in capsys.readouterr().err
