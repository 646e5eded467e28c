# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The layout for Foxglove names topics and fields that there are."""

import json
from pathlib import Path
import re

from segformer_ros.output_topics import table

ROOT = Path(__file__).parents[1]
LAYOUT = json.loads((ROOT / 'config' / 'segformer.foxglove.json').read_text('utf-8'))
OUTPUTS = {f'/{row.topic}': row.type for row in table.OUTPUTS}


def panels(content):
    """Return the panels of a layout, in reading order."""
    if content['type'] == 'panel':
        return [content]
    if content['type'] == 'tabs':
        return [panel for tab in content['tabs'] for panel in panels(tab['content'])]
    return [panel for item in content['items'] for panel in panels(item['content'])]


def by_title():
    """Return the configurations of the panels."""
    return {panel['title']: panel['config'] for panel in panels(LAYOUT['content'])}


def test_images_are_outputs_that_foxglove_shows():
    """Colours as they are, depth with its range in metres."""
    found = by_title()
    modes = [config['imageMode'] for config in found.values() if 'imageMode' in config]
    assert [OUTPUTS[mode['imageTopic']] for mode in modes] == ['sensor_msgs/msg/Image'] * 4
    depth = found['Depth (m)']['imageMode']
    assert OUTPUTS[depth['calibrationTopic']] == 'sensor_msgs/msg/CameraInfo'
    assert (depth['colorMap'], depth['minValue'], depth['maxValue']) == ('turbo', 0, 80)


def test_depth_confidence_is_a_tab_behind_depth():
    """Foxglove subscribes to what is in view: no network computes it for a tab that is closed."""
    cells = [item['content'] for item in LAYOUT['content']['items'][0]['content']['items']]
    (tabs,) = [cell for cell in cells if cell['type'] == 'tabs']
    assert tabs['selectedTabIndex'] == 0
    topics = [tab['content']['config']['imageMode']['imageTopic'] for tab in tabs['tabs']]
    assert topics == ['/depth/image', '/depth/confidence/image']


def test_points_have_the_colours_of_their_classes():
    """In the field rgb."""
    ((topic, shown),) = by_title()['Points by class']['topics'].items()
    assert OUTPUTS[topic] == 'sensor_msgs/msg/PointCloud2'
    assert (shown['colorMode'], shown['colorField'], shown['visible']) == ('rgb', 'rgb', True)


def test_plots_are_fields_of_frame_stats():
    """Each path ends in a field of the message, and is enabled."""
    text = (ROOT / 'msg' / 'FrameStats.msg').read_text('utf-8')
    fields = set(re.findall(r'^(?:float32|uint64) (\w+)', text, re.M))
    for title in ('Latency (ms)', 'Dropped frames'):
        paths = by_title()[title]['paths']
        assert paths
        for path in paths:
            topic, _, name = path['value'].partition('.')
            assert topic == '/segformer_node/frame_stats'
            assert name in fields
            assert path['enabled'] is True
