# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The files of a measurement, and its pictures."""

import base64
import csv
from html.parser import HTMLParser
import json

import cv2
import numpy as np
import pytest
from segformer_ros.datasets import Sample
from segformer_ros.draw import depth_palette, UNKNOWN
from segformer_ros.evaluation import evaluate
from segformer_ros.evaluation.measure import predict_sample
from segformer_ros.evaluation.pictures import (
    confusion_picture,
    depth_error,
    frame_picture,
    points_over,
)
from segformer_ros.evaluation.prediction import Predicted
from segformer_ros.evaluation.report import extremes, write_report
from segformer_ros.evaluation.tables import number
from stub_network import blocks, CAR, ColorNetwork, ROAD, Samples, SKY, truth


class _Page(HTMLParser):
    """The tags that are open, the pictures and the text of a page."""

    def __init__(self):
        super().__init__()
        self.open, self.sources, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        if tag == 'img':
            self.sources.append(dict(attrs)['src'])
        elif tag != 'meta':
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
def dataset():
    """Return four images of which the last ones are worse and worse; one has a name for a page."""
    depth = np.full((32, 64), 10.0, np.float32)
    labels = [(ROAD.id, SKY.id), (ROAD.id, SKY.id), (ROAD.id, CAR.id), (SKY.id, ROAD.id)]
    names = ['a/0', 'a/1', 'a/<b>', 'a/3']
    return Samples(
        [
            Sample(blocks('r', 'g'), truth(*ids), depth, None, name)
            for ids, name in zip(labels, names, strict=True)
        ]
    )


def test_the_report_is_five_files_that_agree(tmp_path, dataset):
    """Figures as JSON and CSV, tables as Markdown and as a page that needs no other file."""
    network = ColorNetwork()
    result = evaluate(network, dataset)
    write_report(
        tmp_path / 'new', result, network, dataset, title='stub on squares', facts={'split': 'val'}
    )
    folder = tmp_path / 'new'
    assert {item.name for item in folder.iterdir()} == {
        'summary.json', 'metrics.csv', 'report.md', 'report.html', 'confusion.png',
    }  # fmt: skip
    summary = json.loads((folder / 'summary.json').read_text())
    assert summary == {**result.summary(), 'measured': {'split': 'val'}} | {
        'inference': summary['inference']
    }
    with (folder / 'metrics.csv').open(newline='') as file:
        rows = list(csv.DictReader(file))
    assert [row['name'] for row in rows] == [sample.name for sample in dataset.samples]
    for row, figures in zip(rows, result.rows, strict=True):
        assert float(row['miou']) == pytest.approx(figures['miou'], rel=1e-5)
        assert float(row['abs_rel']) == pytest.approx(figures['abs_rel'], rel=1e-5)
    text = (folder / 'report.md').read_text()
    assert f'| mIoU | {summary["miou"]:.4f} | {summary["miou_per_image"]:.4f} |' in text
    assert f'| AbsRel | {summary["abs_rel"]:.4f} |' in text
    assert '| split | val |' in text


def test_the_page_is_whole_and_shows_best_and_worst(tmp_path, dataset):
    """Every tag is closed, names are text, and all pictures are in the page and can be read."""
    network = ColorNetwork()
    write_report(tmp_path, evaluate(network, dataset), network, dataset, title='a & b')
    page = _Page()
    page.feed((tmp_path / 'report.html').read_text())
    assert page.open == []
    text = ' '.join(page.text)
    assert 'a & b' in text
    assert text.index('Best images') < text.index('a/0') < text.index('Worst images')
    assert text.index('Worst images') < text.index('a/3') < text.index('a/<b>')
    assert len(page.sources) == 1 + 4
    for source in page.sources:
        kind, data = source.split(';base64,')
        assert kind in {'data:image/jpeg', 'data:image/png'}
        picture = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), 1)
        assert picture.shape[0] > 60


def test_no_image_is_both_best_and_worst(dataset):
    """Of three images two are the best; without labels AbsRel decides."""
    few = Samples(dataset.samples[1:])
    best, worst = extremes(evaluate(ColorNetwork(), few))
    assert (best, worst) == ([0, 1], [2])
    depths = [12.0, 10.0, 15.0]
    samples = [
        Sample(blocks('g'), None, np.full((32, 32), value, np.float32), None, str(value))
        for value in depths
    ]
    result = evaluate(ColorNetwork(), Samples(samples))
    assert extremes(result, 1) == ([1], [2])


def test_points_have_the_colours_of_the_depth_that_they_lie_on():
    """Where the prediction is right only the rim of a dot is seen."""
    depth = np.full((60, 80), 10.0, np.float32)
    from segformer_ros.draw import colorize_depth

    predicted = colorize_depth(depth)
    sparse = np.full((60, 80), np.nan, np.float32)
    sparse[20, 20], sparse[40, 60] = 10.0, 40.0
    picture = points_over(predicted, sparse)
    np.testing.assert_array_equal(picture[20, 20], predicted[20, 20])
    assert (picture[40, 60] != predicted[40, 60]).any()
    assert (picture[20, 22] == 0).all()
    np.testing.assert_array_equal(picture[5, 5], predicted[5, 5])


def test_the_error_is_grey_where_nothing_is_known():
    """No error is nearly black; dense truth has an error in every pixel."""
    truth_m = np.full((20, 20), 10.0, np.float32)
    truth_m[:, 10:] = np.inf
    painted = depth_error(np.full((20, 20), 15.0, np.float32), truth_m)
    assert (painted[:, 10:] == UNKNOWN).all()
    assert painted[0, 0, 0] > painted[0, 0, 2]
    sparse = np.full((20, 20), np.nan, np.float32)
    sparse[10, 10] = 10.0
    assert (depth_error(np.full((20, 20), 10.0, np.float32), sparse)[0, 0] == UNKNOWN).all()


def test_the_sky_of_the_ground_truth_is_not_drawn_as_far():
    """Infinite depth is grey, next to a prediction that knows no depth there."""
    image = np.full((120, 240, 3), 90, np.uint8)
    truth_m = np.full((120, 240), 10.0, np.float32)
    truth_m[:60] = np.inf
    said = np.where(np.isinf(truth_m), np.float32(np.nan), truth_m)
    picture = frame_picture(Sample(image, None, truth_m), Predicted(None, said), None)
    _, true, found, error = np.split(picture[4:, 4:].reshape(124, 4, 244, 3), 4, axis=1)
    for panel in (true, found, error):
        assert (panel[40:60, 0, :240] == UNKNOWN).all()
    np.testing.assert_array_equal(true[40:, 0], found[40:, 0])


def test_predicted_sky_is_not_drawn_as_far():
    """What is labelled sky is grey in the prediction, and its error is still shown."""
    image = np.full((120, 240, 3), 90, np.uint8)
    depth = np.full((120, 240), 10.0, np.float32)
    labels = np.full((120, 240), ROAD.id, np.uint8)
    labels[:60] = SKY.id
    known = Samples([Sample(blocks('r', 'g'), truth(ROAD.id, SKY.id))])
    evaluated = evaluate(ColorNetwork(), known).evaluated
    found = Predicted(labels, np.where(labels == SKY.id, np.float32(80.0), depth))
    picture = frame_picture(Sample(image, labels, depth), found, evaluated)
    depths = picture[4:, 4:].reshape(2, 124, 4, 244, 3)[1]
    assert (depths[40:60, 2, :240] == UNKNOWN).all()
    assert not (depths[40:60, 3, :240] == UNKNOWN).all(axis=-1).any()


@pytest.mark.parametrize(('labels', 'depth', 'rows'), [(1, 1, 2), (1, 0, 1), (0, 1, 1), (0, 0, 1)])
def test_a_frame_shows_what_is_known_of_it(labels, depth, rows):
    """A row for labels, one for depth; the camera alone without truth."""
    sample = Sample(
        blocks('r', 'g'),
        truth(ROAD.id, SKY.id) if labels else None,
        np.full((32, 64), 10.0, np.float32) if depth else None,
    )
    network = ColorNetwork()
    known = Samples([Sample(blocks('r', 'g'), truth(ROAD.id, SKY.id))])
    result = evaluate(network, known)
    found = predict_sample(network, sample, result.options)
    picture = frame_picture(sample, found, result.evaluated)
    columns = 4 if labels or depth else 1
    assert picture.shape == (rows * 36 + 4, columns * 68 + 4, 3)


def test_a_frame_names_its_classes_and_metres():
    """A bar of the colours of depth below both depths; below labels the colour of each class."""
    image = np.full((120, 240, 3), 90, np.uint8)
    labels = np.full((120, 240), ROAD.id, np.uint8)
    depth = np.full((120, 240), 10.0, np.float32)
    network = ColorNetwork()
    known = Samples([Sample(blocks('r', 'g'), truth(ROAD.id, SKY.id))])
    evaluated = evaluate(network, known).evaluated
    picture = frame_picture(Sample(image, labels, depth), Predicted(labels, depth), evaluated)
    cells = picture[4:, 4:].reshape(2, 124, 4, 244, 3)[:, :120, :, :240]
    for column in (1, 2):
        legend, scale = cells[0, -16:, column], cells[1, -30:, column]
        assert (legend == ROAD.color).all(axis=-1).sum() > 20
        colors = {tuple(pixel) for pixel in scale.reshape(-1, 3).tolist()}
        assert len(colors & {tuple(color) for color in depth_palette().tolist()}) > 100
    assert len(np.unique(cells[0, -16:, 0].reshape(-1, 3), axis=0)) == 1


def test_the_confusion_is_dark_on_the_diagonal_of_a_good_network():
    """The cell of the first class, right everywhere, and that of the second, right nowhere."""
    picture = confusion_picture(np.array([[9, 0], [5, 0]]), ['road', 'sky'])
    left = picture.shape[1] - 8 - 2 * 34
    cells = picture[left + 4 :: 34, left + 4 :: 34][:2, :2].astype(int).sum(axis=2)
    assert cells[0, 0] < 300 < cells[0, 1]
    assert cells[1, 0] < 300 < cells[1, 1]


@pytest.mark.parametrize(
    ('value', 'text'), [(None, '-'), (0.12345, '0.1235'), (440199.0, '440199'), (-0.5, '-0.5000')]
)
def test_figures_are_written_for_people(value, text):
    """Four decimals, counts without any."""
    assert number(value) == text
