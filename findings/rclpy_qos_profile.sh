#!/usr/bin/env bash
# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
#
# rclpy 9.1.2 (ROS 2 Kilted, from PyPI) writes QoS overrides into the QoSProfile of the caller.
#
# A node that shares one QoSProfile between subscriptions, as a constant of its module does, and
# lets the user override the QoS of topics (QoSOverridingOptions), applies the override for one
# topic to every subscription that is made after it, also on topics without an override.
#
# Seen: the profile is best effort; `qos_overrides./first.subscription.reliability:=reliable` makes
# the profile object itself reliable, and /second, which has no override, is subscribed reliably:
#   before BEST_EFFORT, after RELIABLE, /second RELIABLE
# A best-effort camera on /second is then never heard.
# Expected by a reader of the documentation: /second stays best effort.
#
# Exits with 1 when the behaviour has changed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -qq -r "$here/../requirements/ros-kilted.txt"
cat > "$folder/share.py" <<'EOF'
import rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import Image

SHARED = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


def subscribe(node, topic, options):
    node.create_subscription(Image, topic, print, SHARED, qos_overriding_options=options)
    (found,) = node.get_subscriptions_info_by_topic(topic)
    return found.qos_profile.reliability.name


rclpy.init(
    args=['--ros-args', '-p', 'qos_overrides./first.subscription.reliability:=reliable']
)
node = rclpy.create_node('camera_user')
before = SHARED.reliability.name
subscribe(node, '/first', QoSOverridingOptions.with_default_policies())
after = SHARED.reliability.name
second = subscribe(node, '/second', QoSOverridingOptions.with_default_policies())
print(f'before {before}, after {after}, /second {second}')
rclpy.shutdown()
EOF
seen=$(ROS_AUTOMATIC_DISCOVERY_RANGE=OFF "$folder/venv/bin/python" "$folder/share.py")
echo "$seen"
test "$seen" = 'before BEST_EFFORT, after RELIABLE, /second RELIABLE'
