"""Networks that tell cats from dogs."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import max_pool2d, relu

__all__ = ["PlainCNN", "SkipCNN"]


class PlainCNN(nn.Module):
    r"""The plain CNN of question UT-P2.1: two convolutions and a pooling, twice, then two linears.

    One logit says whether a 32 x 32 colour image is of the second class; its sigmoid is the
    probability. The layers keep the handout's numbers, in which poolings count too:

    | layer | kind | output | parameters |
    | --- | --- | --- | ---: |
    | conv1 | 3 x 3 convolution, ReLU | 32 x 30 x 30 | 896 |
    | conv2 | 3 x 3 convolution, ReLU | 32 x 28 x 28 | 9248 |
    | pool3 | 2 x 2 max-pooling, stride 2 | 32 x 14 x 14 | 0 |
    | conv4 | 3 x 3 convolution, ReLU | 64 x 12 x 12 | 18496 |
    | conv5 | 3 x 3 convolution, ReLU | 64 x 10 x 10 | 36928 |
    | pool6 | 2 x 2 max-pooling, stride 2 | 64 x 5 x 5 | 0 |
    | fc7 | linear, ReLU | 128 | 204928 |
    | fc8 | linear | 1 | 129 |

    As question UT-P2.8 asks, the regularised variant touches layers 1, 4 and 7 alone: dropout
    comes *before* the linear operation (so layer 1 drops whole colour channels of the image), batch
    normalisation *after* the activation.

    Args:
        batch_norm: normalise the activations of layers 1, 4 and 7.
        dropout: probability of dropping an input channel of layers 1 and 4, or an input entry of
            layer 7; 0 for none.
        drop_input: whether layer 1, too, drops its input channels: the colours of the image.
        norm_first: normalise before the activation, as Ioffe and Szegedy 2015 did, not after it.

    Raises:
        ValueError: `dropout` is not a probability.

    Shape:
        Input `(N, 3, 32, 32)`, output `(N, 1)`.
    """

    def __init__(
        self,
        batch_norm: bool = False,
        dropout: float = 0.0,
        drop_input: bool = True,
        norm_first: bool = False,
    ) -> None:
        super().__init__()
        self.norm_first = norm_first
        self.drop1 = nn.Dropout2d(dropout if drop_input else 0.0)
        self.conv1 = nn.Conv2d(3, 32, kernel_size=3)
        self.norm1 = nn.BatchNorm2d(32) if batch_norm else nn.Identity()
        self.conv2 = nn.Conv2d(32, 32, kernel_size=3)
        self.drop4 = nn.Dropout2d(dropout)
        self.conv4 = nn.Conv2d(32, 64, kernel_size=3)
        self.norm4 = nn.BatchNorm2d(64) if batch_norm else nn.Identity()
        self.conv5 = nn.Conv2d(64, 64, kernel_size=3)
        self.drop7 = nn.Dropout(dropout)
        self.fc7 = nn.Linear(64 * 5 * 5, 128)
        self.norm7 = nn.BatchNorm1d(128) if batch_norm else nn.Identity()
        self.fc8 = nn.Linear(128, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits `(N, 1)` of images `(N, 3, 32, 32)`."""
        x = self._activate(self.norm1, self.conv1(self.drop1(x)))
        x = relu(self.conv2(x))
        x = max_pool2d(x, kernel_size=2, stride=2)
        x = self._activate(self.norm4, self.conv4(self.drop4(x)))
        x = relu(self.conv5(x))
        x = max_pool2d(x, kernel_size=2, stride=2)
        x = self._activate(self.norm7, self.fc7(self.drop7(x.flatten(1))))
        logits: Tensor = self.fc8(x)
        return logits

    def _activate(self, norm: nn.Module, z: Tensor) -> Tensor:
        activated: Tensor = relu(norm(z)) if self.norm_first else norm(relu(z))
        return activated


class SkipCNN(nn.Module):
    r"""The CNN with a skip connection of question UT-P3.1: a residual unit in place of a layer.

    | layer | kind | output | parameters |
    | --- | --- | --- | ---: |
    | conv1 | 3 x 3 convolution, ReLU | 32 x 30 x 30 | 896 |
    | conv2 | 3 x 3 convolution, padding 1, ReLU | 32 x 30 x 30 | 9248 |
    | conv3 | 3 x 3 convolution, padding 1, plus the output of layer 1, ReLU | 32 x 30 x 30 | 9248 |
    | pool4 | 2 x 2 max-pooling, stride 2 | 32 x 15 x 15 | 0 |
    | conv5 | 6 x 6 convolution, ReLU | 64 x 10 x 10 | 73792 |
    | pool6 | 2 x 2 max-pooling, stride 2 | 64 x 5 x 5 | 0 |
    | fc7 | linear, ReLU | 128 | 204928 |
    | fc8 | linear | 1 | 129 |

    The variant of question UT-P3.4 drops before the linear operations of layers 1, 5 and 7, and
    normalises after the activations of layers 1, 2, 3, 5 and 7. The handout asks for batch
    normalisation in *all* weighted layers; after the sigmoid of layer 8 there is nothing to
    normalise but the answer itself, so layer 8 has none.

    Args:
        batch_norm: normalise the activations of layers 1, 2, 3, 5 and 7.
        dropout: probability of dropping an input channel of layers 1 and 5, or an input entry of
            layer 7; 0 for none.
        skip: whether layer 3 adds the output of layer 1; without, the same layers in a plain chain.

    Raises:
        ValueError: `dropout` is not a probability.

    Shape:
        Input `(N, 3, 32, 32)`, output `(N, 1)`.
    """

    def __init__(self, batch_norm: bool = False, dropout: float = 0.0, skip: bool = True) -> None:
        super().__init__()
        self.skip = skip
        self.drop1 = nn.Dropout2d(dropout)
        self.conv1 = nn.Conv2d(3, 32, kernel_size=3)
        self.norm1 = nn.BatchNorm2d(32) if batch_norm else nn.Identity()
        self.conv2 = nn.Conv2d(32, 32, kernel_size=3, padding=1)
        self.norm2 = nn.BatchNorm2d(32) if batch_norm else nn.Identity()
        self.conv3 = nn.Conv2d(32, 32, kernel_size=3, padding=1)
        self.norm3 = nn.BatchNorm2d(32) if batch_norm else nn.Identity()
        self.drop5 = nn.Dropout2d(dropout)
        self.conv5 = nn.Conv2d(32, 64, kernel_size=6)
        self.norm5 = nn.BatchNorm2d(64) if batch_norm else nn.Identity()
        self.drop7 = nn.Dropout(dropout)
        self.fc7 = nn.Linear(64 * 5 * 5, 128)
        self.norm7 = nn.BatchNorm1d(128) if batch_norm else nn.Identity()
        self.fc8 = nn.Linear(128, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits `(N, 1)` of images `(N, 3, 32, 32)`."""
        x = self.norm1(relu(self.conv1(self.drop1(x))))
        inside = self.norm2(relu(self.conv2(x)))
        inside = self.conv3(inside)
        x = self.norm3(relu(x + inside if self.skip else inside))
        x = max_pool2d(x, kernel_size=2, stride=2)
        x = self.norm5(relu(self.conv5(self.drop5(x))))
        x = max_pool2d(x, kernel_size=2, stride=2)
        x = self.norm7(relu(self.fc7(self.drop7(x.flatten(1)))))
        logits: Tensor = self.fc8(x)
        return logits
