# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The commands in README.md and docs/ exist, with their arguments."""

import argparse
import importlib
from pathlib import Path
import re
import shlex

import pytest
from segformer_ros.cli import COMMANDS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *sorted((ROOT / 'docs').glob('*.md'))]


def found(pattern):
    """Return what a pattern finds in the pages, and the page of each."""
    texts = {page.name: page.read_text(encoding='utf-8').replace('\\\n', ' ') for page in PAGES}
    return [
        pytest.param(item, id=f'{name}: {item[:60]}')
        for name, text in texts.items()
        for item in dict.fromkeys(re.findall(pattern, text, re.M))
    ]


def lines(start):
    """Find the lines of code with this start; those with brackets are not for typing."""
    return found(rf'^(?: {{4}})?({start}[^\[\n]*)$')


# At the start of a line, or behind a folder or another command: fresh/bin/segformer, && segformer.
@pytest.mark.parametrize('line', found(r'^(?: {4})?(?:.*&& )?(?:\S+/)?(segformer [^\[\n&]*)$'))
def test_segformer_takes_the_line(line):
    """Every option is known and has a value that can be read."""
    name, *arguments = shlex.split(line, comments=True)[1:]
    assert name in COMMANDS
    module = importlib.import_module(f'segformer_ros.commands.{name.replace("-", "_")}')
    parser = argparse.ArgumentParser(exit_on_error=False)
    module.add_arguments(parser)

    parser.parse_args(arguments)


@pytest.mark.parametrize('line', found(r'^ {4}(ros2 launch segformer_ros .*)$'))
def test_the_launch_file_declares_the_arguments(line):
    """They stand in its text."""
    file, *arguments = shlex.split(line, comments=True)[3:]
    text = (ROOT / 'launch' / file).read_text(encoding='utf-8')
    for argument in arguments:
        if ':=' in argument:
            assert f"'{argument.split(':=')[0]}'" in text, argument


@pytest.mark.parametrize('line', lines('make '))
def test_make_has_the_target(line):
    """Of every word that is no variable."""
    text = (ROOT / 'Makefile').read_text(encoding='utf-8')
    for word in shlex.split(line, comments=True)[1:]:
        assert '=' in word or re.search(rf'^{word}:', text, re.M), word


@pytest.mark.parametrize('program', found(r'python (bench/\w+\.py)'))
def test_the_program_is_there(program):
    """Where the page says."""
    assert (ROOT / program).is_file()
