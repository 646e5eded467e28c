# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Bytes of a camera from the message to the device, and what the processor still converts.

Device and engine are doubles, and the kernels run on the processor; node and topics are real.
"""

from types import SimpleNamespace

import cv2
from inference.builder_double import Machine
from inference.device_rig import Device, SIZES
from node_rig import image_message, pixels_of
import numpy as np
import pytest
from segformer_ros import bundle, draw
from segformer_ros.image_encoding import RAW_ENCODINGS, raw_pixels, RawImage
from segformer_ros.inference.failover import Failover
from segformer_ros.inference.pipeline import Pipeline
from segformer_ros.labels import with_palette
from segformer_ros.nodes import messages
from sensor_msgs.msg import CompressedImage
from tiny_bundle import make_tiny_bundle

HW = (20, 36)


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    """Return a bundle of two input sizes."""
    folder = tmp_path_factory.mktemp('models') / 'tiny'
    return bundle.read(make_tiny_bundle(folder, sizes=SIZES))


@pytest.fixture
def conversions(monkeypatch):
    """Return the list that every conversion to RGB is noted in."""
    done, convert = [], raw_pixels._rgb

    def note(view, layout):
        done.append(view.shape)
        return convert(view, layout)

    monkeypatch.setattr(raw_pixels, '_rgb', note)
    return done


def _pipeline(tiny, *, frames):
    """Return a pipeline, and the list of the images that its device gets."""
    backend, given = Device(tiny, frames=frames).backend, []
    if frames:
        predict = backend.frames.predict
        backend.frames.predict = lambda image, *args: given.append(image) or predict(image, *args)
    return Pipeline(tiny, backend), given


def _message(encoding, padding=0, number=1):
    channels = {'mono8': 1}.get(encoding, len(encoding[:-1]))
    rows = np.random.default_rng(number).integers(
        0, 256, (HW[0], HW[1] * channels + padding), np.uint8
    )
    message = image_message(rows[..., None], stamp_ns=number, encoding=encoding)
    message.width = HW[1]
    return message


def _rig(make_rig, pipeline, **values):
    rig = make_rig(load=lambda parameters: pipeline, **values)
    rig.connect()
    for name in ('label', 'depth'):
        rig.listen(f'/{name}/image')
    return rig


def test_the_device_gets_the_bytes_and_the_cpu_converts_nothing(make_rig, tiny, conversions):
    """Labels and depth are those of the decoded image, for every such encoding and any step."""
    pipeline, given = _pipeline(tiny, frames=True)
    other, _ = _pipeline(tiny, frames=False)
    rig = _rig(make_rig, pipeline)
    sent = [(name, padding) for name in RAW_ENCODINGS for padding in (0, 7)]
    for number, (encoding, padding) in enumerate(sent, 1):
        message = _message(encoding, padding, number)
        rig.send(message)
        label, depth = (rig.get(f'/{name}/image', number) for name in ('label', 'depth'))
        assert isinstance(given[-1], RawImage)
        assert given[-1].encoding == encoding
        assert not conversions
        expected = other.predict(messages.rgb_from_message(message))
        conversions.clear()
        np.testing.assert_array_equal(pixels_of(label), expected.labels)
        np.testing.assert_allclose(pixels_of(depth), expected.depth, rtol=1e-6)
        assert label.header == depth.header == message.header
    assert rig.counts().published == len(sent)


def test_images_become_rgb_only_while_the_overlay_has_subscribers(make_rig, tiny, conversions):
    """One conversion, after the network; the colour image needs none."""
    pipeline, _ = _pipeline(tiny, frames=True)
    rig = _rig(make_rig, pipeline, overlay_opacity=0.5)
    rig.listen('/label/color/image')
    rig.send(_message('bgra8'))
    rig.get('/label/color/image')
    assert not conversions

    rig.listen('/overlay/image')
    message = _message('bgra8', 3, 2)
    rig.send(message)
    overlay = rig.get('/overlay/image')
    assert len(conversions) == 1
    palette = np.zeros((256, 3), np.uint8)
    for item in with_palette(tiny.manifest.classes):
        palette[item.id] = item.color
    labels = pixels_of(rig.get('/label/image', 2))
    mixed = draw.overlay(messages.rgb_from_message(message), labels, palette, 0.5)
    np.testing.assert_array_equal(pixels_of(overlay), mixed)


def test_other_encodings_are_decoded_first(make_rig, tiny, conversions):
    """Grey, and JPEG, come to the device as RGB."""
    pipeline, given = _pipeline(tiny, frames=True)
    rig = _rig(make_rig, pipeline)
    rig.exchange(_message('mono8'))
    assert len(conversions) == 1
    assert given[-1].shape == (*HW, 3)
    assert isinstance(given[-1], np.ndarray)

    picture = cv2.imencode('.png', np.zeros((*HW, 3), np.uint8))[1].tobytes()
    compressed = messages.raw_from_message(CompressedImage(format='png', data=picture))
    assert isinstance(compressed, np.ndarray)


def test_a_backend_without_a_device_path_gets_rgb(make_rig, tiny, conversions):
    """One conversion when the image is opened, as ever."""
    pipeline, _ = _pipeline(tiny, frames=False)
    rig = _rig(make_rig, pipeline)
    asked, predict = [], pipeline.predict_batch
    pipeline.predict_batch = lambda images, *args: asked.extend(images) or predict(images, *args)
    rig.exchange(_message('bgr8'))
    assert [isinstance(image, np.ndarray) for image in asked] == [True]
    assert len(conversions) == 1


def test_a_raw_image_that_contradicts_itself_is_refused(make_rig, tiny):
    """It is counted, and the next one goes on."""
    pipeline, given = _pipeline(tiny, frames=True)
    rig = _rig(make_rig, pipeline)
    broken = _message('bgr8')
    broken.step += 1
    rig.send(broken)
    rig.until(lambda: rig.counts().refused == 1)
    assert not given
    rig.exchange(_message('bgr8', number=2))
    assert rig.counts().published == 1


def test_the_form_of_images_follows_the_backend():
    """RGB while the processor stands in, bytes from the engine on; a change costs no frame."""
    machine = Machine(missing=['tensorrt_float16'])
    failover = Failover(
        SimpleNamespace(), ('tensorrt_float16', 'cpu'), machine.open, machine.start_build
    )
    assert not failover.takes_raw
    image = RawImage(np.full((4, 4, 4), 7, np.uint8), 'bgra8')
    assert failover.predict_batch([image])[0].labels.max() == 7
    failover.close()
    machine.missing.clear()
    failover = Failover(
        SimpleNamespace(), ('tensorrt_float16', 'cpu'), machine.open, machine.start_build
    )
    assert failover.takes_raw
    failover.close()
    assert not failover.takes_raw
