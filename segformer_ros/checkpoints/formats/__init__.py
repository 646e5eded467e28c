# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The formats of checkpoints, one module each."""

from segformer_ros.checkpoints.formats import (
    glpdepth,
    hf_glpn,
    hf_segformer,
    mmseg,
    mmseg_encoder,
    native,
    nvlabs,
    nvlabs_encoder,
    segformer3d,
    shift,
)
from segformer_ros.checkpoints.formats.base import Format

FORMATS: dict[str, Format] = {
    item.FORMAT.name: item.FORMAT
    for item in (
        native,
        hf_segformer,
        hf_glpn,
        shift,
        nvlabs,
        nvlabs_encoder,
        mmseg,
        mmseg_encoder,
        segformer3d,
        glpdepth,
    )
}
