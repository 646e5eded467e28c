# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What users read keeps to the words of CONTRIBUTING.md."""

import argparse
import ast
from functools import cache
import importlib
from pathlib import Path
import re

import pytest
from segformer_ros.cli import COMMANDS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]
BANNED = re.compile(
    r'(?<!image )\bprocessors?\b|\bjudg(e|es|ed|ing)\b|\bcontest(ants?)?\b|\brivals?\b'
    r'|\bdata sets?\b|\btrue (labels?|depth)\b|\bbeside\b'
    r'|\bby heart\b|\bleft behind\b|\bwithout being asked\b'
    r'|\banew\b|\bgo(es)? on\b|\bwhoever\b|\bbut for\b|\bheard\b|\bnobody\b|\basked of\b'
    r'|\blearnt\b|\bvariations? (of|that)\b|\bone variation\b',
    re.IGNORECASE,
)
# Names of tests are read as statements: what is done by what.
RIDDLE = re.compile(
    r'test_(of|and|as|nothing|nobody|whoever|whatever|who|it|what_has_no_sense)_'
    r'|_(anew|nobody|somebody|whoever|beside|learnt|but_for)(_|$)|_(is|are)_told(_|$)|processor(_|$)'
)
FRAGMENT = re.compile(r'(of|for|by|as|such|that|\()\b', re.IGNORECASE)


def prose(text):
    """Leave code and the targets of links out."""
    text = re.sub(r'^```.*?^```', '', text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r'^ {4}.*$', '', text, flags=re.MULTILINE)
    return re.sub(r'`[^`]*`|\]\([^)]*\)', '', text)


def helps():
    """Find the help of every command, option and group of options."""
    for name, text in COMMANDS.items():
        yield name, text
        parser = argparse.ArgumentParser()
        importlib.import_module(f'segformer_ros.commands.{name.replace("-", "_")}').add_arguments(
            parser
        )
        yield name, parser.epilog or ''
        for group in parser._action_groups:
            yield name, group.title or ''
            yield name, group.description or ''
        for action in parser._actions:
            if action.help and action.help != argparse.SUPPRESS:
                yield f'{name} {action.dest}', action.help


def launch_descriptions():
    """Find the descriptions of the arguments of the launch files: the last words of a row."""
    for path in sorted((ROOT / 'launch').glob('*.py')):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Tuple):
                for item in node.elts:
                    text = item.value if isinstance(item, ast.Constant) else None
                    if isinstance(text, str) and text.endswith('.') and ' ' in text:
                        yield path.name, text


@cache
def nodes(path):
    """Return the named definitions of a source, and the strings with a space."""
    return [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8')))
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        or (isinstance(node, ast.Constant) and isinstance(node.value, str) and ' ' in node.value)
    ]


def python_files(*folders):
    """Find the sources below some folders, with their nodes."""
    for name in folders:
        for path in sorted((ROOT / name).rglob('*.py')):
            yield path.relative_to(ROOT), nodes(path)


def without_parameters(text):
    """Leave out the names of parameters that a docstring describes."""
    return re.sub(r':param \w+:', '', text)


def banned_words(text):
    """List what of BANNED a text has."""
    return [found[0] for found in BANNED.finditer(text)]


@pytest.mark.parametrize('page', PAGES, ids=lambda path: path.name)
def test_pages_use_the_words_of_the_field(page):
    """CONTRIBUTING.md says what to write instead."""
    assert banned_words(prose(page.read_text(encoding='utf-8'))) == []


def test_helps_use_the_words_of_the_field():
    """Of commands and launch files."""
    found = {where: banned_words(text) for where, text in [*helps(), *launch_descriptions()]}
    assert {where: words for where, words in found.items() if words} == {}


def test_helps_are_whole_phrases():
    """They are read alone, away from the name of the option."""
    assert list(launch_descriptions())
    found = [*helps(), *launch_descriptions()]
    assert [(where, text) for where, text in found if FRAGMENT.match(text)] == []


def test_the_check_finds_what_it_is_for():
    """In prose, and not in names of programs."""
    text = 'The processor judges `bench/rivals.py` beside\n\n    segformer judge\n'
    assert banned_words(prose(text)) == ['processor', 'judges', 'beside']
    assert FRAGMENT.match('of the network; 0 is all')
    assert not FRAGMENT.match('format of depth')


def test_docstrings_begin_with_the_verbs_of_the_field():
    """Return, Report or Format: a function neither gives nor tells nor says."""
    wrong = [
        f'{path}:{node.lineno} {node.name}'
        for path, found in python_files(
            'segformer_ros', 'test', 'bench', 'docs', 'launch', 'scripts'
        )
        for node in found
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        and re.match(r'(Give|Tell|Say)s?\b', ast.get_docstring(node) or '')
    ]
    assert wrong == []


def test_messages_and_docstrings_use_the_words_of_the_field():
    """Strings with a space in them are read by people: in a log, an error or the sources."""
    wrong = [
        (f'{path}:{node.lineno}', words)
        for path, found in python_files('segformer_ros', 'launch', 'scripts')
        for node in found
        if isinstance(node, ast.Constant)
        and (words := banned_words(without_parameters(node.value)))
    ]
    assert wrong == []


def test_names_of_tests_are_statements():
    """A reader of a failed run sees the name alone."""
    names = [
        f'{path}:{node.name}'
        for path, found in python_files('test')
        for node in found
        if isinstance(node, ast.FunctionDef) and node.name.startswith('test_')
    ]
    assert len(names) > 1000
    assert [name for name in names if RIDDLE.search(name.rpartition(':')[2])] == []


def test_every_page_is_in_the_index():
    """docs/README.md links all of them."""
    index = (ROOT / 'docs' / 'README.md').read_text(encoding='utf-8')
    pages = {path.name for path in (ROOT / 'docs').glob('*.md')} - {'README.md'}
    assert {name for name in pages if f']({name})' not in index} == set()


@pytest.mark.parametrize('page', [*PAGES, ROOT / 'CONTRIBUTING.md'], ids=lambda path: path.name)
def test_links_lead_somewhere(page):
    """Those to files of this repository."""
    links = re.findall(r'\]\(([^)#:\s]+)(?:#[^)]*)?(?: "[^"]*")?\)', page.read_text('utf-8'))
    assert [link for link in links if not (page.parent / link).exists()] == []
