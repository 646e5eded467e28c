# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""segformer browse, run as a user runs it."""

import sys
from types import ModuleType

import cv2
import numpy as np
import pytest
from segformer_ros.camera import Intrinsics
from segformer_ros.cli import main
from segformer_ros.datasets import KINDS, Sample
from segformer_ros.labels import CITYSCAPES_19

RECIPE = """
name: any
augment:
  resize: {kind: ratio, ratio: [0.5, 1.5]}
  crop: {sizes: [[32, 64]]}
  photometric: {kind: world}
"""
HEIGHT, WIDTH, GAP = 40, 72, 4


class Few(list):
    """A dataset of some samples."""

    label_set = CITYSCAPES_19

    def name(self, index):
        """Return the name of a sample."""
        return self[index].name


def drawn(index, *, labels=True, depth=True):
    """Return a sample of road and sky whose red tells its number."""
    ids = np.zeros((HEIGHT, WIDTH), np.uint8)
    ids[:15] = 10
    metres = np.full((HEIGHT, WIDTH), 20.0, np.float32)
    image = np.full((HEIGHT, WIDTH, 3), (40 * index, 90, 160), np.uint8)
    camera = Intrinsics(60.0, 60.0, 35.5, 19.5, WIDTH, HEIGHT)
    name = f'town/{index:02}'
    return Sample(image, ids if labels else None, metres if depth else None, camera, name)


@pytest.fixture
def few(monkeypatch):
    """Let DATA be few: and give the dataset that it opens."""
    samples = Few(drawn(index) for index in range(5))
    reader = ModuleType('few_reader')
    reader.OPTIONS, reader.SPLITS = {}, ('train', 'none')
    reader.recognises = lambda root: False
    reader.open_dataset = lambda root, split: samples if split == 'train' else Few()
    monkeypatch.setitem(sys.modules, 'few_reader', reader)
    monkeypatch.setitem(KINDS, 'few', 'few_reader')
    return samples


def panel(picture, row, column, height=HEIGHT, width=WIDTH):
    """Cut one cell out of the sheet, without the corner where its caption is."""
    top = GAP + row * (height + GAP)
    left = GAP + column * (width + GAP)
    return picture[top + height // 2 : top + height, left + width // 2 : left + width]


def test_samples_are_shown_with_labels_and_depth(few, tmp_path, capsys):
    """A row is a sample: image, labels over it, depth; the legend names the classes seen."""
    out = tmp_path / 'sheet.png'
    assert main(['browse', 'few:', '--max-frames', '2', '--seed', '1', '--out', str(out)]) == 0

    picture = cv2.imread(str(out))[..., ::-1]
    assert picture.shape[0] == GAP + 2 * (HEIGHT + GAP)
    assert picture.shape[1] == GAP + 3 * (WIDTH + GAP) + 160
    reds = [int(panel(picture, row, 0)[..., 0].mean()) for row in range(2)]
    assert reds == sorted(set(reds))
    road = np.array([128, 64, 128]) * 0.65 + np.array([reds[0], 90, 160]) * 0.35
    np.testing.assert_allclose(panel(picture, 0, 1).mean(axis=(0, 1)), road, atol=1.0)
    assert np.ptp(panel(picture, 0, 2).reshape(-1, 3), axis=0).max() == 0
    # Two rows of the legend have a colour, of road and of sky.
    colors = picture[:, -150]
    assert {(128, 64, 128), (70, 130, 180)} <= {tuple(color) for color in colors.tolist()}
    assert '2 of 5 samples' in capsys.readouterr().out


def test_depth_has_its_scale(few, tmp_path):
    """Below cells with room for it: the colours from near to far."""
    from segformer_ros.draw import depth_palette

    image, depth = np.zeros((128, 256, 3), np.uint8), np.full((128, 256), 20.0, np.float32)
    few[:] = [Sample(image, None, depth, None, 'wide')]
    out = tmp_path / 'sheet.png'
    assert main(['browse', 'few:', '--out', str(out)]) == 0
    picture = cv2.cvtColor(cv2.imread(str(out)), cv2.COLOR_BGR2RGB)
    colors = {tuple(color) for color in depth_palette().tolist()}
    assert len(colors & {tuple(color) for color in picture.reshape(-1, 3).tolist()}) > 100


def test_a_recipe_adds_its_variations(few, tmp_path):
    """A column is a variation; the same seed gives the same picture."""
    pytest.importorskip('torch', reason='the training reads recipes, and needs torch')
    recipe = tmp_path / 'recipe.yaml'
    recipe.write_text(RECIPE, encoding='utf-8')
    pictures = []
    for seed in ('3', '3', '4'):
        out = tmp_path / 'sheet.png'
        arguments = ['--recipe', str(recipe), '--max-frames', '1']
        arguments += ['--variants', '2', '--seed', seed]
        assert main(['browse', 'few:', *arguments, '--out', str(out)]) == 0
        pictures.append(out.read_bytes())

    picture = cv2.imread(str(tmp_path / 'sheet.png'))
    assert picture.shape[0] == GAP + 3 * (HEIGHT + GAP)
    assert picture.shape[1] == GAP + 3 * (WIDTH + GAP) + 160
    assert pictures[0] == pictures[1] != pictures[2]


def test_what_a_sample_lacks_is_left_out(few, tmp_path):
    """Without depth anywhere there is no such panel; where one sample has none, it is empty."""
    out = tmp_path / 'sheet.png'
    few[:] = [drawn(1, depth=False)]
    jpeg = tmp_path / 'sheet.jpg'
    assert main(['browse', 'few:', '--out', str(jpeg)]) == 0
    assert cv2.imread(str(jpeg)).shape[1] == GAP + 2 * (WIDTH + GAP) + 160

    few[:] = [drawn(1, depth=False), drawn(2, labels=False)]
    assert main(['browse', 'few:', '--out', str(out)]) == 0
    picture = cv2.imread(str(out))
    assert panel(picture, 0, 2).max() == 0
    assert panel(picture, 1, 1).max() == 0
    assert panel(picture, 1, 2).max() > 100


def test_points_of_sparse_depth_can_be_seen(few, tmp_path):
    """A single point is painted larger than it is."""
    sparse = np.full((HEIGHT, WIDTH), np.nan, np.float32)
    sparse[30, 60] = 5.0
    few[:] = [Sample(drawn(1).image, None, sparse, None, 'town/01')]
    out = tmp_path / 'sheet.png'
    assert main(['browse', 'few:', '--out', str(out)]) == 0

    assert (np.ptp(panel(cv2.imread(str(out)), 0, 2).astype(int), axis=2) > 0).sum() == 9


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (('--max-frames', '0'), '--max-frames'),
        (('--out', 'sheet.gif'), '.jpg or .png'),
        (('--split', 'none'), 'choose another --split'),
        (('--recipe', 'nowhere.yaml'), 'nowhere.yaml'),
        (('--max-depth', '1'), 'max_m'),
    ],
)
@pytest.mark.usefixtures('few')
def test_unusable_input_is_refused_in_one_line(tmp_path, monkeypatch, capsys, arguments, words):
    """And nothing is written."""
    if '--recipe' in arguments:
        pytest.importorskip('torch', reason='the training reads recipes, and needs torch')
    monkeypatch.chdir(tmp_path)
    assert main(['browse', 'few:', *arguments]) == 1
    error = capsys.readouterr().err.strip()
    assert words in error
    assert len(error.splitlines()) == 1
    assert not list(tmp_path.iterdir())
