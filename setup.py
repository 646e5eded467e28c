# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What `pip install .` installs. A ROS 2 workspace builds with CMakeLists.txt instead."""

from glob import glob

from setuptools import find_packages, setup

NAME = 'segformer_ros'
NODES = (
    'segformer_node',
    'world_node',
    'carla_world_node',
    'evaluation_node',
    'grid_node',
    'viewer_node',
    'recorder_node',
    'dataset_recorder_node',
    'replay_node',
)

setup(
    name=NAME,
    version='0.1.0',
    python_requires='>=3.10',
    packages=find_packages(include=[NAME, f'{NAME}.*']),
    package_data={
        NAME: [
            'py.typed',
            'models/*/*',
            'engines/*.cu',
            'evaluation/*.jinja',
            'drivable_grid/*.yaml',
            'fleet/*.jinja',
        ]
    },
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{NAME}']),
        (f'share/{NAME}', ['package.xml']),
        (f'share/{NAME}/launch', glob('launch/*.launch.py')),
        (f'share/{NAME}/config', glob('config/*.*')),
        (f'share/{NAME}/config/fleet', glob('config/fleet/*.*')),
        (f'share/{NAME}/config/train', glob('config/train/*.*')),
        # What own_data and other recipes start from.
        (f'share/{NAME}/weights', glob('weights/world_b0_fast.safetensors')),
        # Where `ros2 run` and launch files look for programs.
        (f'lib/{NAME}', glob('scripts/*')),
    ],
    install_requires=[
        'numpy>=1.26',
        'opencv-python-headless>=4.8',
        'onnxruntime>=1.19',
        'PyYAML>=6',
        'rosbags>=0.11',
        'apsw>=3.45',
        'av>=14',
        'simplejpeg>=1.8',
        'tqdm>=4.60',
        'numba>=0.60',
    ],
    extras_require={
        # ROS 2 Jazzy as wheels, which exist for x86_64 only; not where another ROS 2 is sourced.
        'ros': [
            'ros-rclpy[fastrtps]==7.1.6',
            'ros-sensor-msgs==5.3.6',
            'ros-diagnostic-msgs==5.3.6',
            'ros-nav-msgs==5.3.6',
            'ros-std-srvs==5.3.6',
        ],
        'openvino': ['openvino>=2026'],
        # Jetson images bring TensorRT along; elsewhere its version must fit the driver.
        'tensorrt': ['tensorrt-cu13>=10.12', 'cuda-bindings>=13', 'cuda-core>=1'],
        'cuda': ['cuda-bindings>=13', 'cuda-core>=1', 'nvidia-cuda-nvrtc>=13'],
        'torch': ['torch>=2.5'],
        'train': [
            # No exact version: a Jetson brings a build of its own.
            'torch>=2.5',
            'safetensors>=0.4',
            'onnx>=1.16',
            'onnxscript>=0.1',
            'huggingface-hub>=1',
            'lightning-fabric>=2.5',
            'tensorboard>=2.15',
            'jinja2>=3',
            'h5py>=3',
            'fsspec>=2023.6',
        ],
        # The viewer in the browser; there are wheels for Python 3.11 and later.
        'viewer': ["rerun-sdk>=0.41,<0.42; python_version >= '3.11'"],
        # Workers of a Ray cluster, and pages of what they did.
        'fleet': ['ray>=2.50', 'jinja2>=3', 'fsspec>=2024.2'],
        # A logger of training beside CSV files and TensorBoard.
        'wandb': ['wandb>=0.17'],
        # The optimizer adamw_8bit.
        'bitsandbytes': ['bitsandbytes>=0.50'],
        # Other networks to compare with.
        'baselines': ['segmentation-models-pytorch>=0.5'],
        # The version must be that of the simulator; there are wheels for Python 3.10 to 3.12.
        'carla': ['carla==0.9.16'],
        'test': [
            'pytest>=8',
            'transformers>=4.45',
            'fvcore>=0.1.5',
            'matplotlib>=3.8',
            'ruff',
            'mypy',
        ],
    },
    entry_points={
        'console_scripts': [
            f'{program} = {NAME}.programs:{program}' for program in ('segformer', *NODES)
        ],
    },
    zip_safe=False,
)
