# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parts of images that published depth figures are of."""

from __future__ import annotations

CROPS = ('none', 'garg', 'eigen', 'nyu', 'kitti', 'shift')
"""
Names of the crops.

'garg' and 'eigen' are shares of the image, for KITTI (Garg et al. 2016, arXiv:1603.04992; Eigen et
al. 2014, arXiv:1406.2283). 'nyu' is Eigen's for NYU, rows 45 to 470 and columns 41 to 600 of
480x640. 'kitti' is what the benchmark of KITTI keeps, 352x1216 at the bottom in the middle.
'shift' leaves out what is below row 740 of 800, the bonnet.
"""

_SHARES = {
    'none': (0.0, 1.0, 0.0, 1.0),
    'garg': (0.40810811, 0.99189189, 0.03594771, 0.96405229),
    'eigen': (0.3324324, 0.91351351, 0.0359477, 0.96405229),
    'nyu': (45 / 480, 471 / 480, 41 / 640, 601 / 640),
    'shift': (0.0, 740 / 800, 0.0, 1.0),
}
_KITTI_HW = (352, 1216)


def crop_of(name: str, height: int, width: int) -> tuple[slice, slice]:
    """
    Return the rows and columns of an image that are evaluated.

    :param name: One of CROPS.
    :raises ValueError: There is no such crop, or the image is too small for it.
    """
    if name == 'kitti':
        top, left = height - _KITTI_HW[0], (width - _KITTI_HW[1]) // 2
        if top < 0 or left < 0:
            raise ValueError(
                f'the crop of KITTI needs images of 352x1216 or more, got {height}x{width}: '
                'choose garg or eigen'
            )
        return slice(top, height), slice(left, left + _KITTI_HW[1])
    if name not in _SHARES:
        raise ValueError(f'crop must be one of {", ".join(CROPS)}, not {name!r}')
    top_share, bottom, left_share, right = _SHARES[name]
    # A share that means a whole row must not become the row above by rounding.
    rows = slice(int(top_share * height + 1e-6), int(bottom * height + 1e-6))
    return rows, slice(int(left_share * width + 1e-6), int(right * width + 1e-6))
