"""Networks that read digits and tell clothes apart: fully-connected, and convolutional."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn.functional import max_pool2d, relu

__all__ = ["MLP", "DigitCNN"]


class MLP(nn.Module):
    """Fully-connected layers with ReLU between them, as questions MIT-5.1 to MIT-5.3 ask.

    Args:
        hidden: units of every hidden layer, first to last; none for a linear classifier.
        inputs: numbers in an image.
        classes: number of classes.

    Raises:
        ValueError: a layer without units.

    Shape:
        Input `(N, C, H, W)` with C H W = `inputs`, output `(N, classes)`.
    """

    def __init__(
        self, hidden: Sequence[int] = (512, 256), inputs: int = 28 * 28, classes: int = 10
    ) -> None:
        super().__init__()
        sizes = [inputs, *hidden, classes]
        if min(sizes) < 1:
            raise ValueError(f"every layer needs at least one unit, got {sizes}")
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))

    def forward(self, x: Tensor) -> Tensor:
        """Logits `(N, classes)` of images `(N, C, H, W)`."""
        x = x.flatten(1)
        for layer in self.layers[:-1]:
            x = relu(layer(x))
        logits: Tensor = self.layers[-1](x)
        return logits


class DigitCNN(nn.Module):
    r"""Two blocks of convolution, ReLU and max-pooling, then two linear layers: question MIT-5.4a.

    It is also the book's answer to question BO-P0, and its "first CNN" for clothes. With the
    handout's numbers:

    | layer | kind | output | parameters |
    | --- | --- | --- | ---: |
    | conv1 | 3 x 3 convolution, ReLU | 32 x 26 x 26 | 320 |
    | pool2 | 2 x 2 max-pooling, stride 2 | 32 x 13 x 13 | 0 |
    | conv3 | 3 x 3 convolution, ReLU | 64 x 11 x 11 | 18496 |
    | pool4 | 2 x 2 max-pooling, stride 2 | 64 x 5 x 5 | 0 |
    | fc5 | linear, ReLU, dropout | 128 | 204928 |
    | fc6 | linear | 10 | 1290 |

    Args:
        channels: of the image.
        side: of the image, in pixels; at least 10.
        classes: number of classes.
        width: channels of the first convolution; the second has twice as many, the hidden layer
            four times.
        dropout: probability of dropping an activation of the hidden layer; 0 for none.

    Raises:
        ValueError: the image is too small, or `dropout` is not a probability.

    Shape:
        Input `(N, channels, side, side)`, output `(N, classes)`.
    """

    def __init__(
        self,
        channels: int = 1,
        side: int = 28,
        classes: int = 10,
        width: int = 32,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        left = ((side - 2) // 2 - 2) // 2
        if left < 1:
            raise ValueError(f"side must be at least 10 pixels, got {side}")
        self.conv1 = nn.Conv2d(channels, width, kernel_size=3)
        self.conv3 = nn.Conv2d(width, 2 * width, kernel_size=3)
        self.fc5 = nn.Linear(2 * width * left**2, 4 * width)
        self.drop5 = nn.Dropout(dropout)
        self.fc6 = nn.Linear(4 * width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits `(N, classes)` of images `(N, channels, side, side)`."""
        x = max_pool2d(relu(self.conv1(x)), kernel_size=2)
        x = max_pool2d(relu(self.conv3(x)), kernel_size=2)
        x = self.drop5(relu(self.fc5(x.flatten(1))))
        logits: Tensor = self.fc6(x)
        return logits
