#!/bin/bash
# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
# The steps of the Dockerfile: install.sh ros | packages | workspace [PIP_PACKAGE...]
set -euo pipefail
step=$1
shift

# ROS 2 itself, where the image has none: the repository that ros2-apt-source sets up.
install_ros() {
    apt-get update
    apt-get install -y --no-install-recommends ca-certificates curl software-properties-common
    add-apt-repository -y universe
    local codename version
    codename=$(. /etc/os-release && echo "${UBUNTU_CODENAME}")
    version=${ROS_APT_SOURCE_VERSION:-1.1.0}
    curl -fsSL -o /tmp/ros2-apt-source.deb \
        "https://github.com/ros-infrastructure/ros-apt-source/releases/download/${version}/ros2-apt-source_${version}.${codename}_all.deb"
    apt-get install -y /tmp/ros2-apt-source.deb
    apt-get update
    apt-get install -y --no-install-recommends "ros-${ROS_DISTRO}-ros-base"
    rm -rf /tmp/ros2-apt-source.deb /var/lib/apt/lists/*
}

# What the package takes from apt. RViz is left out: it runs on the machine with the screen.
install_packages() {
    apt-get update
    apt-get install -y --no-install-recommends \
        g++ python3-colcon-common-extensions python3-dev python3-numba python3-numpy \
        python3-opencv python3-tqdm python3-venv python3-yaml \
        "ros-${ROS_DISTRO}-diagnostic-msgs" "ros-${ROS_DISTRO}-rosidl-default-generators" \
        "ros-${ROS_DISTRO}-sensor-msgs" "ros-${ROS_DISTRO}-std-srvs" \
        "ros-${ROS_DISTRO}-vision-msgs"
    rm -rf /var/lib/apt/lists/*
}

# What apt does not have comes from pip into an environment next to the workspace.
build_workspace() {
    python3 -m venv --system-site-packages .venv
    touch .venv/COLCON_IGNORE
    . .venv/bin/activate
    python -m pip install --no-cache-dir onnxruntime openvino rosbags av apsw simplejpeg "$@"
    set +u
    . "/opt/ros/${ROS_DISTRO}/setup.bash"
    set -u
    python -m colcon build --packages-select segformer_ros --cmake-args -DBUILD_TESTING=OFF
    rm -rf build log
}

case ${step} in
    ros) install_ros ;;
    packages) install_packages ;;
    workspace) build_workspace "$@" ;;
    *) echo "expected ros, packages or workspace, found ${step}" >&2; exit 2 ;;
esac
