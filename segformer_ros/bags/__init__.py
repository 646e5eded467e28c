# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Bags (rosbag2, sqlite3 and mcap) without ROS: read, written and put through the network."""
