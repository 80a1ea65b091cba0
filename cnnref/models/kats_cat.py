"""The four networks of question MIT-4.2, on 100 x 100 grey images.

Each is the handout's list of layers with one logit at the end: the logit that the picture shows the
cat. It goes with binary cross-entropy; the handout's cross-entropy of a single logit is constant.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.fft import irfft2, rfft2
from torch.nn.functional import max_pool2d, pad, relu

__all__ = ["KatBlocks", "KatFeatures", "KatFilter", "KitDense"]


class _LargeConv2d(nn.Conv2d):
    """One channel to one by the convolution theorem; stride and dilation 1, zero padding."""

    def forward(self, x: Tensor) -> Tensor:
        height, width = self.kernel_size
        padded = pad(x, [int(self.padding[1])] * 2 + [int(self.padding[0])] * 2)
        rows, columns = padded.shape[2:]
        # The complex conjugate reverses the kernel, so this is the cross-correlation. The outputs
        # kept are those whose windows did not wrap around.
        spectrum = rfft2(padded) * rfft2(self.weight[0, 0], s=(rows, columns)).conj()
        whole = irfft2(spectrum, s=(rows, columns))
        outputs: Tensor = whole[..., : rows - height + 1, : columns - width + 1]
        return outputs if self.bias is None else outputs + self.bias


class KatFilter(nn.Module):
    r"""One large filter and a global maximum: question MIT-4.2.1.

    | layer | kind | output | parameters |
    | --- | --- | --- | ---: |
    | conv1 | 20 x 20 convolution, padding 10, ReLU | 1 x 101 x 101 | 401 |
    | pool2 | 100 x 100 max-pooling | 1 x 1 x 1 | 0 |
    | fc3 | linear | 1 | 2 |

    The pooling's only window leaves the last row and column of the 101 unread. The convolution, for
    so large a kernel, goes through the fast Fourier transform: the same sums, many times faster.

    Shape:
        Input `(N, 1, 100, 100)`, output `(N, 1)`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _LargeConv2d(1, 1, kernel_size=20, padding=10)
        self.fc3 = nn.Linear(1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits `(N, 1)` of images `(N, 1, 100, 100)`."""
        x = max_pool2d(relu(self.conv1(x)), kernel_size=100)
        logits: Tensor = self.fc3(x.flatten(1))
        return logits


class KatFeatures(nn.Module):
    r"""Ten small filters and a linear layer on all they find: question MIT-4.2.2.

    | layer | kind | output | parameters |
    | --- | --- | --- | ---: |
    | conv1 | 3 x 3 convolution, padding 1, ReLU | 10 x 100 x 100 | 100 |
    | fc2 | linear | 1 | 100001 |

    Shape:
        Input `(N, 1, 100, 100)`, output `(N, 1)`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=3, padding=1)
        self.fc2 = nn.Linear(10 * 100 * 100, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits `(N, 1)` of images `(N, 1, 100, 100)`."""
        logits: Tensor = self.fc2(relu(self.conv1(x)).flatten(1))
        return logits


class KatBlocks(nn.Module):
    r"""Three blocks of convolution and pooling: question MIT-4.2.3.

    | layer | kind | output | parameters |
    | --- | --- | --- | ---: |
    | conv1 | 3 x 3 convolution, padding 1, ReLU | 10 x 100 x 100 | 100 |
    | pool2 | 3 x 3 max-pooling, stride 3 | 10 x 33 x 33 | 0 |
    | conv3 | 3 x 3 convolution, padding 1, ReLU | 10 x 33 x 33 | 910 |
    | pool4 | 3 x 3 max-pooling, stride 3 | 10 x 11 x 11 | 0 |
    | conv5 | 3 x 3 convolution, padding 1, ReLU | 1 x 11 x 11 | 91 |
    | pool6 | 3 x 3 max-pooling, stride 3 | 1 x 3 x 3 | 0 |
    | fc7 | linear | 1 | 10 |

    The first pooling leaves one row and one column unread, the last one two of each.

    Shape:
        Input `(N, 1, 100, 100)`, output `(N, 1)`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=3, padding=1)
        self.conv3 = nn.Conv2d(10, 10, kernel_size=3, padding=1)
        self.conv5 = nn.Conv2d(10, 1, kernel_size=3, padding=1)
        self.fc7 = nn.Linear(9, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits `(N, 1)` of images `(N, 1, 100, 100)`."""
        for convolution in (self.conv1, self.conv3, self.conv5):
            x = max_pool2d(relu(convolution(x)), kernel_size=3, stride=3)
        logits: Tensor = self.fc7(x.flatten(1))
        return logits


class KitDense(nn.Module):
    r"""A fully-connected network on the flattened image: questions MIT-4.2.4 and MIT-4.2.5.

    The handout fixes three hidden layers with a nonlinearity and one output; the widths are ours.

    | layer | kind | output | parameters |
    | --- | --- | --- | ---: |
    | fc1 | linear, ReLU | 128 | 1280128 |
    | fc2 | linear, ReLU | 64 | 8256 |
    | fc3 | linear, ReLU | 32 | 2080 |
    | fc4 | linear | 1 | 33 |

    Shape:
        Input `(N, 1, 100, 100)`, output `(N, 1)`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(100 * 100, 128)
        self.fc2 = nn.Linear(128, 64)
        self.fc3 = nn.Linear(64, 32)
        self.fc4 = nn.Linear(32, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits `(N, 1)` of images `(N, 1, 100, 100)`."""
        x = x.flatten(1)
        for hidden in (self.fc1, self.fc2, self.fc3):
            x = relu(hidden(x))
        logits: Tensor = self.fc4(x)
        return logits
