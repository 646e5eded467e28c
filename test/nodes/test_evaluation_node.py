# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The evaluation node, fed with results and truths that are known."""

import functools
import json

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
import numpy as np
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from segformer_ros import carla, cli
from segformer_ros.bags.message_types import make_store
from segformer_ros.bags.writer import BagWriter
from segformer_ros.metrics import DepthMeter, SegmentationMeter
from segformer_ros.nodes.evaluation_messages import evaluation_diagnostics
from segformer_ros.nodes.evaluation_node import EvaluationNode, main
from sensor_msgs.msg import CameraInfo, Image
from spinning import DEADLINE_S, spin_until
from std_srvs.srv import Trigger
from stderr_lines import own_lines

_VEHICLE = '/carla/ego_vehicle'


class _Source:
    """Publishes results and truths of frames drawn from a seed."""

    def __init__(self, node):
        self._rng = np.random.default_rng(4)
        self.segmentation = SegmentationMeter(range(1, 29))
        self.depth = DepthMeter(0.5, 80.0)
        topics = {
            'labels': 'label/image',
            'depth': 'depth/image',
            'true_labels': f'{_VEHICLE}/semantic_segmentation_front/image',
            'true_depth': f'{_VEHICLE}/depth_front/image',
        }
        self.publishers = {
            name: node.create_publisher(Image, topic, 100) for name, topic in topics.items()
        }
        self.infos = node.create_publisher(CameraInfo, 'camera_info', 100)
        self.reset = node.create_client(Trigger, 'evaluation_node/reset')

    def frame(self, *, evaluated=True):
        """Return the four arrays of a frame, and evaluate them as an offline evaluation would."""
        labels, truth = self._rng.choice([1, 2, 11, 14], (2, 8, 12)).astype(np.uint8)
        depth, true = self._rng.uniform(1.0, 70.0, (2, 8, 12)).astype(np.float32)
        true[truth == 11] = np.inf
        depth[0] = np.nan
        if evaluated:
            self.segmentation.add(labels, truth)
            self.depth.add(depth, true)
        return {
            'labels': ('mono8', labels),
            'depth': ('32FC1', depth),
            'true_labels': ('bgra8', carla.encode_labels(truth)),
            'true_depth': ('32FC1', carla.encode_depth(true)),
        }

    def publish(self, frame, stamp_ns, names=('labels', 'depth', 'true_labels', 'true_depth')):
        for name in names:
            encoding, pixels = frame[name]
            height, width = pixels.shape[:2]
            msg = Image(height=height, width=width, encoding=encoding, step=pixels.strides[0])
            msg.header.stamp.sec, msg.header.stamp.nanosec = divmod(stamp_ns, 1_000_000_000)
            msg.data.frombytes(pixels.tobytes())
            self.publishers[name].publish(msg)


class _Bench:
    """An evaluation with a source beside it."""

    def __init__(self, parameters, connect):
        args = ['--ros-args']
        for item in ('report_period_s:=0.0', *parameters):
            args += ['-p', item]
        rclpy.init(args=args)
        self.lines = []
        self.time_s = 100.0
        self.evaluation = EvaluationNode(self.lines.append, lambda: self.time_s)
        self.other = rclpy.create_node('other')
        self.source = _Source(self.other)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.evaluation)
        self._executor.add_node(self.other)
        if connect and self.evaluation.parameters.ground_truth:
            self.connect()

    def connect(self):
        publishers = (*self.source.publishers.values(), self.source.infos)
        self.spin(lambda: all(item.get_subscription_count() for item in publishers))

    @property
    def statistics(self):
        return self.evaluation.statistics

    @property
    def evaluated(self):
        return self.statistics.drive.scores.evaluated

    def spin(self, until):
        spin_until(self._executor, until)

    def close(self):
        self.evaluation.destroy_node()
        self.other.destroy_node()
        rclpy.try_shutdown()


@pytest.fixture
def bench(monkeypatch):
    """Start an evaluation with the given parameters, isolated from everything else."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'OFF')
    started = []

    def start(*parameters, connect=True):
        started.append(_Bench(parameters, connect))
        return started[-1]

    yield start
    for item in started:
        item.close()


def test_the_figures_are_those_of_the_offline_metrics(bench):
    """Whether frames come through ROS or from a file, they are worth the same."""
    running = bench()
    for number in range(5):
        running.source.publish(running.source.frame(), number * 50_000_000)
    running.spin(lambda: running.evaluated['labels'] == running.evaluated['depth'] == 5)

    summary = running.evaluation.summary()
    assert summary['segmentation']['miou'] == running.source.segmentation.miou()
    expected = running.source.depth.result()
    assert {name: summary['depth'][name] for name in expected} == expected
    assert summary['segmentation']['unpaired'] == {'results': 0, 'truths': 0}


def test_a_recording_gives_the_same_figures(bench, tmp_path):
    """`segformer evaluate --bag` on the very messages that the node has heard."""
    running = bench()
    recorded = []
    for publisher in running.source.publishers.values():
        topic = running.other.resolve_topic_name(publisher.topic_name)
        keep = functools.partial(lambda topic, raw: recorded.append((topic, raw)), topic)
        running.other.create_subscription(Image, topic, keep, 100, raw=True)
        running.spin(lambda: publisher.get_subscription_count() == 2)  # noqa: B023
    for number in range(4):
        running.source.publish(running.source.frame(), number * 50_000_000)
    running.spin(lambda: running.evaluated['labels'] == running.evaluated['depth'] == 4)
    running.spin(lambda: len(recorded) == 16)
    with BagWriter(tmp_path / 'bag', 'sqlite3', make_store()) as writer:
        topics = {}
        for number, (topic, raw) in enumerate(recorded):
            if topic not in topics:
                topics[topic] = writer.add_topic(topic, 'sensor_msgs/msg/Image')
            writer.write(topics[topic], number, raw)

    path = tmp_path / 'offline'
    assert cli.main(['evaluate', '--bag', str(tmp_path / 'bag'), '--report', str(path)]) == 0

    summary = running.evaluation.summary()
    offline = json.loads((path / 'summary.json').read_text())
    assert {name: summary[name] for name in offline} == offline


def test_lost_and_late_images_leave_the_other_frames_right(bench):
    """A result without its truth, or the other way round, is never compared with another."""
    running = bench('kept:=4')
    source = running.source
    frames = [source.frame(evaluated=number not in {2, 5}) for number in range(8)]
    results, truths = ('labels', 'depth'), ('true_labels', 'true_depth')
    for number in (1, 0, 3, 2, 4, 6, 7):
        source.publish(frames[number], number * 50_000_000, truths)
    for number in (0, 3, 1, 4, 5, 7, 6):
        source.publish(frames[number], number * 50_000_000, results)
    # Which image arrives first is up to the executor; a few late frames push all of them out.
    running.spin(lambda: running.evaluated['labels'] == running.evaluated['depth'] == 6)

    summary = running.evaluation.summary()
    assert summary['segmentation']['miou'] == source.segmentation.miou()
    assert summary['depth']['abs_rel'] == pytest.approx(source.depth.result()['abs_rel'])
    assert summary['segmentation']['unpaired'] == {'results': 0, 'truths': 0}


def test_foreign_colours_are_counted(bench):
    """Truth in the colours of another table would silently evaluate nothing."""
    running = bench()
    frame = running.source.frame(evaluated=False)
    frame['true_labels'][1][0, :3, :3] = 1, 2, 3
    running.source.publish(frame, 7)
    running.spin(lambda: running.evaluated['labels'] == 1)
    summary = running.evaluation.summary()['segmentation']
    assert summary['unknown'] == {'color 3 2 1': 3}
    assert summary['unknown_pixels'] == 3
    (status,) = evaluation_diagnostics('node', running.statistics.drive, '').status
    assert (status.level, status.message) == (
        DiagnosticStatus.WARN,
        '3 ground-truth pixels have no class, most often color 3 2 1 (3): set tag_table or coding',
    )


def test_diagnostics_say_whether_results_and_ground_truth_fit(bench):
    """Waiting, alone, evaluated, refused: each has its sentence and its level."""
    running = bench('report_period_s:=0.01')
    said = []
    running.other.create_subscription(DiagnosticArray, '/diagnostics', said.append, 10)

    def now():
        return next((item for item in said[-1].status if 'evaluation' in item.name), None)

    waiting = (
        'waiting for results and their ground truth: nothing came on /label/image (it has a '
        'publisher)'
    )
    running.spin(lambda: said and now().message.startswith(waiting))
    assert now().level == DiagnosticStatus.WARN
    running.source.publish(running.source.frame(), 1, ('labels', 'depth'))
    running.source.publish(running.source.frame(), 2)
    running.spin(lambda: now().message == '1 frames evaluated')
    assert now().level == DiagnosticStatus.OK
    damaged = running.source.frame(evaluated=False)
    damaged['labels'] = ('rgb8', np.zeros((8, 12, 3), np.uint8))
    running.source.publish(damaged, 3)
    running.spin(lambda: now().level == DiagnosticStatus.WARN)
    assert "1 not evaluated: expected labels in mono8, got 'rgb8' (1)" in now().message
    values = {item.key: item.value for item in now().values}
    assert values['refused'] == '1'


def test_an_image_that_contradicts_itself_is_refused_and_said(bench):
    """One broken message does not end the evaluation."""
    running = bench()
    good, bad = running.source.frame(), running.source.frame(evaluated=False)
    bad['labels'] = ('rgb8', bad['labels'][1])
    running.source.publish(bad, 1)
    running.source.publish(good, 2)
    running.spin(lambda: running.evaluated['depth'] == 2)
    running.spin(lambda: running.evaluated['labels'] == 1)
    refused = running.evaluation.summary()['refused']
    assert refused == {"expected labels in mono8, got 'rgb8'": 1}


def test_a_reset_starts_from_scratch(bench):
    """What came before the reset counts no more."""
    running = bench()
    running.source.publish(running.source.frame(evaluated=False), 1)
    running.spin(lambda: running.evaluated['depth'] == 1)
    assert running.source.reset.wait_for_service(DEADLINE_S)
    answer = running.source.reset.call_async(Trigger.Request())
    running.spin(answer.done)
    assert answer.result().success
    assert answer.result().message == '1 evaluated frames are forgotten'
    assert not running.evaluated['depth']
    running.source.publish(running.source.frame(), 2)
    running.spin(lambda: running.evaluated['labels'] == running.evaluated['depth'] == 1)
    assert running.evaluation.summary()['segmentation']['miou'] == (
        running.source.segmentation.miou()
    )


def test_a_world_that_starts_again_is_noticed(bench):
    """Stamps that come a second time belong to other frames."""
    running = bench()
    old, new = running.source.frame(evaluated=False), running.source.frame()
    running.source.publish(old, 1_000_000_000, ('labels', 'depth'))
    running.source.publish(old, 9_000_000_000, ('labels', 'depth'))
    running.spin(lambda: running.statistics.outputs.count == 2)
    running.source.publish(new, 1_000_000_000)
    running.spin(lambda: running.evaluated['labels'] == running.evaluated['depth'] == 1)
    assert running.evaluation.summary()['restarts'] == 1


def test_the_truth_of_carla_itself_is_read_by_other_tags_and_classes(bench):
    """A network of Cityscapes against tags of 0.9.13 in the red channel and coded depth."""
    names = 'label_set:=cityscapes_19', 'coding:=native', 'tag_table:=t2', 'label_sensor:=tags'
    running = bench(*names, connect=False)
    source = running.source
    # As CARLA itself offers its images since 2026.
    newest = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    tags = running.other.create_publisher(Image, f'{_VEHICLE}/tags/image', newest)
    source.publishers['true_labels'] = tags
    running.connect()
    labels = np.array([[0, 13, 14, 2]], np.uint8)
    truth = np.array([[6, 10, 10, 21]], np.uint8)
    depth = np.full((1, 4), 12.5, np.float32)
    frame = {
        'labels': ('mono8', labels),
        'true_labels': ('bgra8', carla.encode_tags(truth)),
        'depth': ('32FC1', depth),
        'true_depth': ('bgra8', carla.encode_depth_code(depth)),
    }
    source.publish(frame, 1)
    running.spin(lambda: running.evaluated['labels'] == running.evaluated['depth'] == 1)
    summary = running.evaluation.summary()
    assert summary['segmentation']['iou'] == {'road_line+road': 1.0, 'vehicle': 1.0}
    assert summary['segmentation']['label_set'] == 'cityscapes_19 and shift_23'
    assert summary['depth']['abs_rel'] < 1e-5


def test_the_figures_are_published(bench, own):
    """Those of the summary, after every row of the table."""
    running = bench('report_period_s:=0.01', 'window:=2')
    received, recent = [], []
    for topic, messages in (('stats', received), ('stats_window', recent)):
        name = f'evaluation_node/{topic}'
        running.other.create_subscription(own.EvaluationStats, name, messages.append, 10)
    for publisher in (running.evaluation._stats, running.evaluation._stats_window):
        running.spin(publisher.get_subscription_count)
    for number in range(1, 4):
        running.source.publish(running.source.frame(), number * 50_000_000)
    running.spin(lambda: received and received[-1].label_frames == 3 == received[-1].depth_frames)
    stats, summary = received[-1], running.evaluation.summary()
    running.spin(lambda: recent and recent[-1].header == stats.header)
    for message, figures, most in (
        (stats, summary, 0),
        (recent[-1], summary['window'], 2),
    ):
        labels, depth = figures['segmentation'], figures['depth']
        for name in ('miou', 'miou_per_image', 'accuracy', 'boundary_f', 'flicker'):
            assert getattr(message, name) == labels[name]
        for name in ('abs_rel', 'rmse', 'silog_eigen', 'silog_kitti', 'silog_glpn', 'delta1'):
            assert getattr(message, name) == depth[name]
        assert dict(zip(message.class_names, message.class_iou, strict=True)) == labels['iou']
        assert message.window == most
    assert recent[-1].label_frames == 2
    assert recent[-1].miou != stats.miou
    assert (stats.header.stamp.sec, stats.header.stamp.nanosec) == (0, 150_000_000)


def test_labels_of_another_label_set_are_not_evaluated(bench, own, capfd):
    """The node's own topic says what the ids mean: a wrong parameter cannot give wrong figures."""
    running = bench()
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    classes = running.other.create_publisher(own.LabelClasses, 'label/classes', latched)
    rows = [own.LabelClass(class_id=0, class_name='road')]
    classes.publish(own.LabelClasses(class_map=rows))
    running.spin(lambda: running.evaluation._contradiction)
    running.source.publish(running.source.frame(), 1)
    running.spin(lambda: running.evaluated['depth'] == 1 and running.statistics.drive.refused)
    assert not running.evaluated['labels']
    assert 'set label_set to cityscapes_19' in capfd.readouterr().err
    rows = [own.LabelClass(class_id=1, class_name='road')]
    classes.publish(own.LabelClasses(class_map=rows))
    running.spin(lambda: not running.evaluation._contradiction)
    running.source.publish(running.source.frame(), 2)
    running.spin(lambda: running.evaluated['labels'] == 1)


def test_a_report_is_written_at_the_end(bench, tmp_path, capfd):
    """One line for every frame, everything in sum, and a picture; an older one is announced."""
    (tmp_path / 'report').mkdir()
    (tmp_path / 'report' / 'frames.csv').write_text('old')
    running = bench('max_frames:=3', f'report:={tmp_path / "report"}')
    assert 'has a report, which this one will replace at the end' in capfd.readouterr().err
    for number in range(3):
        running.source.publish(running.source.frame(), number * 50_000_000)
    running.spin(lambda: not rclpy.ok())
    assert {path.name for path in (tmp_path / 'report').iterdir()} == {
        'frames.csv', 'summary.json', 'evaluation.png',
    }  # fmt: skip
    assert len((tmp_path / 'report' / 'frames.csv').read_text().splitlines()) == 4


def test_a_file_that_cannot_be_written_costs_no_other(bench, tmp_path, capfd):
    """The report is there without the summary, and the node ends with 1."""
    (tmp_path / 'file').write_text('')
    summary, report = tmp_path / 'file' / 'summary.json', tmp_path / 'report'
    running = bench('max_frames:=1', f'summary:={summary}', f'report:={report}')
    running.source.publish(running.source.frame(), 0)
    running.spin(lambda: not rclpy.ok())
    assert (report / 'summary.json').is_file()
    assert running.evaluation.exit_code == 1
    assert f'{summary} cannot be written' in capfd.readouterr().err


def test_the_evaluation_ends_by_itself_with_a_summary(bench, tmp_path):
    """After the frames that were asked for, everything is in a file of JSON."""
    path = tmp_path / 'summary.json'
    running = bench('max_frames:=3', f'summary:={path}')
    for number in range(3):
        running.source.infos.publish(CameraInfo())
        running.source.publish(running.source.frame(), number * 50_000_000)
        running.time_s += 0.05
    running.spin(lambda: not rclpy.ok())

    summary = json.loads(path.read_text())
    assert summary['segmentation']['frames'] == summary['depth']['frames'] == 3
    assert summary['segmentation']['miou'] == running.source.segmentation.miou()
    assert summary['outputs']['frames'] == 3


def test_the_evaluation_ends_after_its_duration(bench):
    """The time runs from the first result on."""
    running = bench('duration_s:=10.0', 'report_period_s:=0.01')
    running.time_s += 100.0
    running.source.publish(running.source.frame(), 1)
    running.spin(lambda: running.statistics.outputs.count)
    running.time_s += 9.0
    rows = len(running.lines)
    running.spin(lambda: len(running.lines) > rows + 1)
    assert rclpy.ok()
    running.time_s += 1.0
    running.spin(lambda: not rclpy.ok())


def test_the_table_says_what_it_waits_for_then_gives_rows(bench):
    """A user who started the wrong topic sees which one is missing."""
    running = bench('report_period_s:=0.01')
    running.spin(lambda: running.lines)
    assert running.lines[0].startswith('waiting for /label/image (it has a publisher), ')
    running.source.publish(running.source.frame(), 1)
    running.spin(lambda: any('evaluated' in line for line in running.lines))
    running.spin(lambda: len(running.lines[-1].split()) == 9)
    running.evaluation.destroy_node()
    assert running.lines[-1].startswith('intersection over union')


def test_without_ground_truth_the_rates_are_measured(bench, tmp_path):
    """On a recorded video nobody knows the truth."""
    path = tmp_path / 'summary.json'
    running = bench('ground_truth:=false', 'max_frames:=4', f'summary:={path}')
    labels, infos = running.source.publishers['labels'], running.source.infos
    running.spin(lambda: labels.get_subscription_count() and infos.get_subscription_count())
    for number in range(4):
        for _ in range(2):
            infos.publish(CameraInfo())
        running.spin(lambda: running.statistics.inputs.count == 2 * number + 2)  # noqa: B023
        running.source.publish(running.source.frame(), number, ('labels',))
        running.spin(lambda: not rclpy.ok() or running.statistics.outputs.count == number + 1)  # noqa: B023
        running.time_s += 0.1
    assert not rclpy.ok()
    summary = json.loads(path.read_text())
    assert summary['outputs'] == {'frames': 4, 'per_s': pytest.approx(10.0)}
    assert summary['inputs']['frames'] == 8
    assert not {'segmentation', 'depth', 'window'} & summary.keys()


def test_contradicting_depths_are_one_line_and_no_start(monkeypatch, capfd):
    """The user is told which parameters contradict each other."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'OFF')
    code = main(['--ros-args', '-p', 'min_depth_m:=90.0'])
    assert code == 1
    assert own_lines(capfd.readouterr().err) == [
        'min_depth_m (90.0) must be less than max_depth_m (80.0)'
    ]


def test_topics_on_which_nothing_comes_are_named(bench):
    """Where nobody publishes, where somebody does and is silent; no longer once it has come."""
    running = bench('report_period_s:=0.01', connect=False)
    running.other.destroy_publisher(running.source.publishers['true_depth'])
    depth = '/carla/ego_vehicle/depth_front/image (it has no publisher)'
    running.spin(lambda: running.lines and depth in running.lines[-1])
    assert '/label/image (it has a publisher)' in running.lines[-1]
    running.spin(running.source.publishers['depth'].get_subscription_count)
    running.source.publish(running.source.frame(), 1, ('depth',))
    running.spin(lambda: ' /depth/image' not in running.lines[-1])


def test_quality_of_service_is_overridden_for_one_topic_alone(bench):
    """That of labels leaves depth as it is."""
    running = bench('qos_overrides./label/image.subscription.reliability:=best_effort')
    found = {}
    for topic in ('/label/image', '/depth/image'):
        (end,) = running.evaluation.get_subscriptions_info_by_topic(topic)
        found[topic] = end.qos_profile.reliability.name
    assert found == {'/label/image': 'BEST_EFFORT', '/depth/image': 'RELIABLE'}
