# Copyright 2026 The segformer_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Image classification with the encoder: its pre-training (arXiv:2105.15203, section 4.1)."""

from __future__ import annotations

from segformer_ros.network.mix_transformer import make_encoder, SIZES
from torch import nn, Tensor


class MixTransformerClassifier(nn.Module):
    """
    Encoder and one linear layer on the mean of its last stage.

    Its encoder is that of MultitaskSegformer, so that pre-trained weights go from one to the
    other with `network.encoder.load_state_dict(classifier.encoder.state_dict())`.

    :param size: 'b0' to 'b5'.
    :param num_classes: 1000 in ImageNet.
    :raises ValueError: The size is unknown.
    """

    def __init__(
        self,
        size: str,
        num_classes: int = 1000,
        *,
        drop_path_rate: float = 0.0,
        norm_eps: float = 1e-5,
        embed_norm_eps: float | None = None,
    ) -> None:
        super().__init__()
        self.encoder = make_encoder(
            size,
            drop_path_rate=drop_path_rate,
            norm_eps=norm_eps,
            embed_norm_eps=embed_norm_eps,
        )
        self.head = nn.Linear(SIZES[size].embed_dims[-1], num_classes)

    def forward(self, image: Tensor) -> Tensor:
        """Turn normalised images (N, 3, H, W), of 32 pixels at least, into logits (N, classes)."""
        logits: Tensor = self.head(self.encoder(image)[-1].mean(dim=(2, 3)))
        return logits
