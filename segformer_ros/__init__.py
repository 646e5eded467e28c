# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Semantic labels and metric depth from one camera image, for ROS 2."""

from pkgutil import extend_path

# The generated messages (segformer_ros.msg) are installed elsewhere than a checkout.
__path__ = extend_path(__path__, __name__)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from segformer_ros.inference.pipeline import Options, Pipeline, Prediction

__all__ = ['Options', 'Pipeline', 'Prediction']


def __getattr__(name: str) -> object:
    """Import the Python interface when it is first used, so that importing the package is free."""
    if name not in __all__:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    from segformer_ros.inference import pipeline

    value: object = getattr(pipeline, name)
    return value
