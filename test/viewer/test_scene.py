# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is written into a recording."""

import sys

import numpy as np
import pytest
from rerun_rows import rows
from segformer_ros.camera import Intrinsics
from segformer_ros.labels import CARLA_0914
from segformer_ros.viewer import sdk, session
from segformer_ros.viewer.scene import Scene, SceneOptions, ViewFrame

pytest.importorskip('rerun', reason='rerun-sdk is not installed (it needs Python 3.11)')

CAMERA = Intrinsics(40.0, 40.0, 32.0, 16.0, 64, 32)


def frame(at=0, **changes):
    """Make a frame with everything in it: sky above a road, all at nine metres but one pixel."""
    labels = np.full((32, 64), 11, np.uint8)
    labels[16:] = 1
    depth = np.full((32, 64), 9.0, np.float32)
    depth[0, 0] = np.nan
    given = {
        'image': np.full((32, 64, 3), 90, np.uint8),
        'labels': labels,
        'depth': depth,
        'intrinsics': CAMERA,
        'true_labels': labels,
        'true_depth': depth,
        'times_ms': {'network': 12.5},
        'drops': {'replaced': 3.0},
        **changes,
    }
    return ViewFrame(at, **given)


def write(path, frames, **options):
    """Save a recording."""
    with session.saved(path) as recording:
        scene = Scene(recording, CARLA_0914.classes, SceneOptions(**options))
        for item in frames:
            scene.log(item)


@pytest.mark.parametrize('timeline', ['stamp', 'time', 'frame'])
def test_everything_known_of_a_frame_is_in_the_recording(tmp_path, timeline):
    """Images, labels, depth and their truth, the points, and a plot for each number."""
    path = tmp_path / 'a.rrd'
    write(path, [frame(at) for at in range(3)], timeline=timeline)
    found = rows(path)
    assert {
        '/camera',
        '/camera/image',
        '/camera/label',
        '/camera/depth',
        '/camera/depth/colors',
        '/depth_scale',
        '/camera/ground_truth/label',
        '/camera/ground_truth/depth',
        '/points',
        '/latency_ms/network',
        '/dropped/replaced',
    } <= found.keys()


def test_what_is_not_known_is_left_out(tmp_path):
    """Of an unknown camera there are no points, and no view without its data fails."""
    path = tmp_path / 'a.rrd'
    nothing = dict.fromkeys(('depth', 'intrinsics', 'true_labels', 'true_depth'))
    write(path, [frame(**nothing, times_ms={}, drops={})])
    found = rows(path)
    assert {'/camera/image', '/camera/label'} <= found.keys()
    assert not {'/points', '/camera', '/camera/depth'} & found.keys()


class Kept:
    """A recording that keeps what is logged."""

    def __init__(self):
        self.logged = {}
        self.static = []

    def log(self, place, content, static=False):
        """Keep the latest."""
        self.logged[place] = content
        self.static += [place] * static

    def set_time(self, name, **value):
        """Ignore."""

    def send_blueprint(self, blueprint):
        """Keep the latest."""
        self.blueprint = blueprint

    def views(self):
        """Return the names of all views, from left to right and down."""
        names, waiting = [], [self.blueprint.root_container]
        while waiting:
            item = waiting.pop(0)
            names.append(item.name)
            inside = [part for part in item.contents if not isinstance(part, str)]
            waiting = [*inside, *waiting]
        return names


def test_classes_are_named_next_to_their_colours():
    """Those of the palette that is shown, in a view of their own; other classes replace them."""
    kept, found = Kept(), []
    scene = Scene(kept, CARLA_0914.classes, SceneOptions(palette='carla'))
    assert 'classes' in kept.views()
    road = CARLA_0914.by_name('road')
    for classes in (CARLA_0914.classes, [road]):
        scene.set_classes(classes)
        picture = np.array(kept.logged['/classes'].buffer.as_arrow_array().to_pylist()[0])
        colors = {tuple(color) for color in picture.reshape(-1, 3).tolist()}
        found.append([item.color in colors for item in CARLA_0914.classes])
    assert all(found[0])
    assert sum(found[1]) < len(found[1]) / 2


def test_classes_are_written_once():
    """Not before they are known, and not again: the page loses the colours of a second table."""
    kept = Kept()
    scene = Scene(kept, (), SceneOptions())
    assert '/classes' not in kept.logged
    assert kept.static.count('/') == 1
    for _ in range(2):
        scene.set_classes(CARLA_0914.classes)
    assert kept.static.count('/') == 2
    assert '/classes' in kept.logged


def test_points_carry_their_class_and_no_unknown_depth():
    """The axes are right, down and forward; the pixel without depth has no point."""
    kept = Kept()
    Scene(kept, CARLA_0914.classes, SceneOptions()).log(frame())
    points = kept.logged['/points']
    positions = np.array(points.positions.as_arrow_array().to_pylist())
    ids = np.array(points.class_ids.as_arrow_array().to_pylist())
    assert positions.shape == (32 * 64 - 1, 3)
    np.testing.assert_allclose(positions[-1], [(63 - 32) * 9 / 40, (31 - 16) * 9 / 40, 9.0], 1e-6)
    assert (ids == 11).sum() == 16 * 64 - 1
    assert (ids == 1).sum() == 16 * 64


def test_what_is_infinite_is_unknown_and_not_far():
    """As the sky of the ground truth: grey, and no value."""
    kept = Kept()
    depth = np.full((32, 64), np.inf, np.float32)
    depth[0] = 500.0
    Scene(kept, CARLA_0914.classes, SceneOptions()).log(frame(depth=depth))
    levels = kept.logged['/camera/depth/colors'].buffer.as_arrow_array().to_pylist()[0]
    assert levels == [1] * 64 + [0] * 31 * 64


def test_relative_depth_has_a_view_of_its_own(tmp_path):
    """Without metres, so without points; colours from the lowest to the highest of the frame."""
    path = tmp_path / 'a.rrd'
    relative = np.linspace(-3.0, 5.0, 32 * 64, dtype=np.float32).reshape(32, 64)
    write(path, [frame(depth=None, relative=relative)])
    found = rows(path)
    assert '/camera/relative_depth' in found
    assert not {'/points', '/camera/depth'} & found.keys()
    kept = Kept()
    Scene(kept, CARLA_0914.classes, SceneOptions()).log(frame(depth=None, relative=relative))
    colors = kept.logged['/camera/relative_depth/colors'].buffer.as_arrow_array().to_pylist()[0]
    assert (colors[0], colors[-1]) == (1, 255)


def test_depth_confidence_has_a_view_of_its_own():
    """Its bytes are shown as they are, grey; a camera without it has no such view."""
    kept = Kept()
    scene = Scene(kept, CARLA_0914.classes, SceneOptions())
    scene.log(frame())
    assert 'depth (m)' in kept.views()
    assert 'depth confidence' not in str(kept.views())
    certain = np.arange(32 * 64, dtype=np.uint32).reshape(32, 64).astype(np.uint8)
    scene.log(frame(depth_confidence=certain))
    assert kept.views().count('depth confidence (255 is certain)') == 1
    shown = kept.logged['/camera/depth_confidence']
    assert bytes(shown.buffer.as_arrow_array().to_pylist()[0]) == certain.tobytes()
    assert shown.format.as_arrow_array().to_pylist()[0]['color_model'] == 1


def test_wide_images_lose_whole_columns_and_keep_their_geometry():
    """At half the size the same pixel looks in the same direction."""
    kept = Kept()
    Scene(kept, CARLA_0914.classes, SceneOptions(max_width=40)).log(frame())
    assert tuple(kept.logged['/camera/label'].format.as_arrow_array().to_pylist()[0].values())[
        :2
    ] == (32, 16)
    positions = np.array(kept.logged['/points'].positions.as_arrow_array().to_pylist())
    np.testing.assert_allclose(positions[-1], [(62 - 32) * 9 / 40, (30 - 16) * 9 / 40, 9.0], 1e-6)


def test_images_of_several_sizes_are_refused():
    """They are not of one frame."""
    scene = Scene(Kept(), CARLA_0914.classes, SceneOptions())
    with pytest.raises(ValueError, match='expected images of one size in a frame, found image'):
        scene.log(frame(labels=np.zeros((8, 8), np.uint8)))


@pytest.mark.parametrize(
    ('wrong', 'text'),
    [
        ({'timeline': 'tick'}, 'timeline must be one of stamp, time, frame'),
        ({'opacity': 2.0}, 'opacity must be between 0 and 1'),
        ({'depth_max_m': 0.0}, 'depth_max_m must be positive'),
    ],
)
def test_options_are_checked(wrong, text):
    """Each in a sentence."""
    with pytest.raises(ValueError, match=text):
        SceneOptions(**wrong)


def test_a_recording_needs_its_suffix(tmp_path):
    """What `rerun` opens by its name."""
    with (
        pytest.raises(sdk.ViewerError, match=r'ends in \.rrd'),
        session.saved(tmp_path / 'a.mcap'),
    ):
        pass


def test_an_older_python_gets_one_sentence(monkeypatch):
    """It says what to do."""
    monkeypatch.setattr(sys, 'version_info', (3, 10, 12))
    with pytest.raises(sdk.ViewerError, match=r'needs Python 3.11 or later .*found Python 3.10:'):
        sdk.load()


def test_a_missing_package_gets_one_sentence(monkeypatch):
    """It says how to install it."""
    monkeypatch.setitem(sys.modules, 'rerun', None)
    with pytest.raises(sdk.ViewerError, match=r"not installed: pip install '\.\[viewer\]'"):
        sdk.load()


def test_an_error_leaves_an_earlier_file_as_it_was(tmp_path):
    """What there is has a name of its own."""
    path = tmp_path / 'a.rrd'
    path.write_bytes(b'earlier')
    with pytest.raises(ValueError, match='broken'), session.saved(path):
        raise ValueError('broken')
    assert path.read_bytes() == b'earlier'
    assert (tmp_path / 'a.rrd.unfinished').stat().st_size > 0
