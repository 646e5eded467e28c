# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
What CARLA puts on the wire, by its ROS bridge or by itself, as a program that takes orders.

    python carla_wire_double.py bridge|native --ros-args ...

Frames are those of the built-in world; every byte around them is made here by the rules of CARLA,
without the code that the tests are about. Orders are lines on standard input, each answered by
the line `done`; between two orders the world stands still:

    readers N        wait until N subscribers are at every image and result, while time goes on
    frames N         N steps; each waits for the results of its frame
    try              a step whose results may be missing
    lose SENSOR      a step in which the image of this sensor is lost
    hold             two steps; the truth of the first is held back
    release          what was held back comes
    clock on|off     whether there is /clock; off at the start
    reload           another world, whose time begins again
"""

import math
import sys
import time

from builtin_interfaces.msg import Time
from lifecycle_msgs.srv import GetState
import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from segformer_ros import world
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

WIDTH, HEIGHT, FOV_DEG = 96, 48, 80.0
STEP_S = 0.05
DEADLINE_S = 300.0
# Later than a jump back must reach to be one and no late image.
_LIFE_S = 2.0
_QUESTIONS = 20
ROLE = 'ego_vehicle'
SENSORS = {'rgb': 'rgb_front', 'depth': 'depth_front', 'labels': 'semantic_segmentation_front'}
RESULTS = ('/label/image', '/depth/image')
# Of CARLA 0.9.14 and later, by tag.
PALETTE = (
    (0, 0, 0), (128, 64, 128), (244, 35, 232), (70, 70, 70), (102, 102, 156), (190, 153, 153),
    (153, 153, 153), (250, 170, 30), (220, 220, 0), (107, 142, 35), (152, 251, 152),
    (70, 130, 180), (220, 20, 60), (255, 0, 0), (0, 0, 142), (0, 0, 70), (0, 60, 100),
    (0, 80, 100), (0, 0, 230), (119, 11, 32), (110, 190, 160), (170, 120, 50), (55, 90, 80),
    (45, 60, 150), (157, 234, 50), (81, 0, 81), (150, 100, 100), (230, 150, 140), (180, 165, 180),
)  # fmt: skip


def render(life, elapsed_s):
    """Return the frame of a moment, where `life` counts the worlds that were loaded before."""
    scene = world.Scene(3 + life, time_of_day='day', weather='clear')
    rig = world.CameraRig(width=WIDTH, height=HEIGHT, camera_fov_deg=FOV_DEG)
    return world.render(scene, rig, elapsed_s)


def stamp_of(elapsed_s):
    """Return the stamp of simulated time as the bridge makes it: the rest is cut off."""
    seconds = int(elapsed_s)
    return Time(sec=seconds, nanosec=int((elapsed_s - seconds) * 1_000_000_000))


def _bgra(blue, green, red):
    return np.stack([blue, green, red, np.full_like(red, 255)], axis=-1).astype(np.uint8)


def pixels_of(frame, coding):
    """Return encoding and pixels of every sensor."""
    red, green, blue = np.moveaxis(frame.image, -1, 0)
    tags = frame.labels
    # The camera of CARLA writes 24 bits; the bridge makes metres of them.
    depth = np.minimum(frame.depth.astype(np.float64), 1000.0)
    code = np.rint(depth / 1000.0 * (256**3 - 1)).astype(np.uint32)
    raw = _bgra(code >> 16, code >> 8 & 255, code & 255)
    if coding == 'native':
        zeros = np.zeros_like(tags)
        return {
            'rgb': ('bgra8', _bgra(blue, green, red)),
            'depth': ('bgra8', raw),
            'labels': ('bgra8', _bgra(zeros, zeros, tags)),
        }
    metres = np.dot(raw.astype(np.float64), [65536.0, 256.0, 1.0, 0.0]) / (256**3 - 1) * 1000.0
    colors = np.array(PALETTE, np.uint8)[tags]
    return {
        'rgb': ('bgra8', _bgra(blue, green, red)),
        'depth': ('32FC1', metres.astype(np.float32)),
        'labels': ('bgra8', _bgra(colors[..., 2], colors[..., 1], colors[..., 0])),
    }


def focal_length(coding):
    """Return fx as it is published: CARLA itself takes degrees for radians up to 0.9.16."""
    if coding == 'native':
        return WIDTH / (2.0 * math.tan(FOV_DEG) * math.pi / 360.0)
    return WIDTH / (2.0 * math.tan(FOV_DEG * math.pi / 360.0))


class Double:
    """The publishers, and the state of the world."""

    def __init__(self, coding):
        self.coding = coding
        self.life, self.ticks = 0, 0
        self._held = {}
        self.node = rclpy.create_node('carla_ros_bridge' if coding == 'bridge' else 'carla')
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        qos = QoSProfile(depth=10)
        if coding == 'native':
            qos = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._clock, self._qos = None, qos
        self._publishers = {
            name: tuple(
                self.node.create_publisher(kind, f'/carla/{ROLE}/{sensor}/{end}', qos)
                for kind, end in ((CameraInfo, 'camera_info'), (Image, 'image'))
            )
            for name, sensor in SENSORS.items()
        }
        self._network = self.node.create_client(GetState, '/segformer_node/get_state')
        self._results = {topic: set() for topic in RESULTS}
        for topic, known in self._results.items():
            self.node.create_subscription(
                Image, topic, lambda msg, known=known: known.add(_key(msg.header.stamp)), 10
            )

    def obey(self, order):
        """Do what a line says."""
        name, *arguments = order.split()
        getattr(self, f'do_{name}')(*arguments)

    def do_readers(self, count):
        """Wait for subscribers; the world goes on meanwhile, without sensors."""

        def complete():
            self._tick()
            if self.ticks * STEP_S < _LIFE_S:
                return False
            met = [item.get_subscription_count() for _, item in self._publishers.values()]
            return min(*met, *map(self.node.count_subscribers, RESULTS)) >= int(count)

        self._wait(complete)
        # Nobody here sees when the network's own publishers have met them too: they have been
        # told so before these questions, and are at least as slow as the machine is.
        end = time.monotonic() + 1.0
        for _ in range(_QUESTIONS):
            answer = self._network.call_async(GetState.Request())
            self._wait(answer.done, 'the network')
        self._wait(lambda: time.monotonic() > end)

    def do_frames(self, count):
        """Go on."""
        for _ in range(int(count)):
            self._step()

    def do_try(self):
        """Go on by one step, whoever hears it."""
        self.publish()
        end = time.monotonic() + 0.2
        self._wait(lambda: time.monotonic() > end)

    def do_lose(self, sensor):
        """Lose one image."""
        self._step(without=(sensor,))

    def do_hold(self):
        """Go on, and keep the truth of a frame until it is late."""
        self._held = self._step(without=('labels', 'depth'))
        self._step()

    def do_release(self):
        """Let what was held back come."""
        for name in ('labels', 'depth'):
            self._send(name, *self._held[name])

    def do_clock(self, state):
        """Begin or end to publish the time."""
        if self._clock is not None:
            self.node.destroy_publisher(self._clock)
        self._clock = self.node.create_publisher(Clock, '/clock', 10) if state == 'on' else None

    def do_reload(self):
        """Load the world anew."""
        self.life, self.ticks = self.life + 1, 0

    def _tick(self):
        self.ticks += 1
        # As a simulator adds it up.
        stamp = stamp_of(math.fsum([STEP_S] * self.ticks))
        if self._clock is not None:
            self._publish(self._clock, Clock(clock=stamp))
        return stamp

    def publish(self, sensors=tuple(SENSORS)):
        """Make a step, and give the stamp and the messages of all sensors."""
        stamp = self._tick()
        pixels = pixels_of(render(self.life, self.ticks * STEP_S), self.coding)
        messages = {name: self._messages(name, *pixels[name], stamp) for name in pixels}
        for name in ('labels', 'depth', 'rgb'):
            if name in sensors:
                self._send(name, *messages[name])
        return stamp, messages

    def _step(self, without=()):
        stamp, messages = self.publish([name for name in SENSORS if name not in without])
        for topic, known in self._results.items():
            self._wait(lambda known=known: _key(stamp) in known, f'{topic} of {_key(stamp)}')
            known.clear()
        return messages

    def _send(self, name, info, image):
        infos, images = self._publishers[name]
        self._publish(infos, info)
        self._publish(images, image)

    def _publish(self, publisher, message):
        """Publish as another process does, which the end of this one does not disturb."""
        try:
            publisher.publish(message)
        except RuntimeError:
            if self.node.context.ok():
                raise

    def _messages(self, name, encoding, pixels, stamp):
        sensor = SENSORS[name]
        frame_id = f'{ROLE}/{sensor}' if self.coding == 'bridge' else sensor
        header = Header(stamp=stamp, frame_id=frame_id)
        fx, cx, cy = focal_length(self.coding), WIDTH / 2.0, HEIGHT / 2.0
        info = CameraInfo(
            header=header,
            height=HEIGHT,
            width=WIDTH,
            distortion_model='plumb_bob',
            d=[0.0] * 5,
            k=[fx, 0.0, cx, 0.0, fx, cy, 0.0, 0.0, 1.0],
            r=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
            p=[fx, 0.0, cx, 0.0, 0.0, fx, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
        )
        rows = np.ascontiguousarray(pixels)
        image = Image(
            header=header, height=HEIGHT, width=WIDTH, encoding=encoding, step=rows.strides[0]
        )
        image.data.frombytes(rows.tobytes())
        return info, image

    def _wait(self, condition, what='the others'):
        end = time.monotonic() + DEADLINE_S
        while not condition():
            if time.monotonic() > end:
                raise RuntimeError(f'{what} did not come')
            self._executor.spin_once(timeout_sec=0.05)


def _key(stamp):
    return stamp.sec, stamp.nanosec


def main():
    """Obey until the orders end."""
    rclpy.init(args=sys.argv)
    double = Double(sys.argv[1])
    for line in sys.stdin:
        double.obey(line)
        sys.stdout.write('done\n')
        sys.stdout.flush()


if __name__ == '__main__':
    main()
