# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""docs/generate_api.py writes the reference of the Python interface."""

import html
from pathlib import Path
import re
import runpy

import pytest
import segformer_ros

pytest.importorskip('pdoc')
TOOL = runpy.run_path(str(Path(__file__).parents[1] / 'docs' / 'generate_api.py'))


@pytest.fixture(scope='module')
def pages(tmp_path_factory):
    """Build the reference; a warning of pdoc is an error."""
    folder = tmp_path_factory.mktemp('api')
    TOOL['write'](folder)
    return folder


def _text(page):
    """Return the text of a page without its markup."""
    source = page.read_text(encoding='utf-8')
    source = re.sub(r'<(style|script).*?</\1>', '', source, flags=re.DOTALL)
    return ' '.join(html.unescape(re.sub(r'<[^>]+>', '', source)).split())


def test_every_public_name_of_the_package_is_on_its_page(pages):
    """With the methods of Pipeline and the meaning of their arguments."""
    page = (pages / 'segformer_ros.html').read_text(encoding='utf-8')
    for name in [*segformer_ros.__all__, 'Pipeline.load', 'Pipeline.predict_batch']:
        assert f'id="{name}"' in page, name
    text = _text(pages / 'segformer_ros.html')
    assert 'Name of a bundle that ships with the package, or path of its folder.' in text
    assert 'Parameters' in text
    assert ':param' not in text


def test_every_module_has_a_page(pages):
    """The index leads to them."""
    index = (pages / 'index.html').read_text(encoding='utf-8')
    assert 'segformer_ros.html' in index
    for name in TOOL['MODULES']:
        assert (pages / f'{name.replace(".", "/")}.html').is_file()
