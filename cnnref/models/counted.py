"""A network that is there to be counted."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["CountedCNN"]


class CountedCNN(nn.Module):
    r"""The network of question IU-4, which asks for parameters, MACs and receptive fields.

    The layers keep the handout's names, in which poolings are layers too. Measured on a 256 x 256
    image, square fields in pixels along one axis:

    | layer | kind | output | parameters | MACs | field |
    | --- | --- | --- | ---: | ---: | ---: |
    | layer1 | 7 x 7 convolution, padding "same" | 32 x 256 x 256 | 4736 | 308281344 | 7 |
    | bn1 | batch normalisation | 32 x 256 x 256 | 64 | 0 | 7 |
    | layer2 | 5 x 5 convolution, stride 2 | 64 x 126 x 126 | 51264 | 812851200 | 11 |
    | bn2 | batch normalisation | 64 x 126 x 126 | 128 | 0 | 11 |
    | layer3 | 2 x 2 average pooling, stride 2 | 64 x 63 x 63 | 0 | 0 | 13 |
    | layer4 | 3 x 3 convolution, dilation 2 | 128 x 59 x 59 | 73856 | 256647168 | 29 |
    | bn3 | batch normalisation | 128 x 59 x 59 | 256 | 0 | 29 |
    | layer5 | 3 x 3 convolution | 128 x 57 x 57 | 147584 | 479084544 | 37 |
    | bn4 | batch normalisation | 128 x 57 x 57 | 256 | 0 | 37 |
    | layer6 | 2 x 2 average pooling, stride 2 | 128 x 28 x 28 | 0 | 0 | 41 |
    | layer7 | 3 x 3 convolution | 256 x 26 x 26 | 295168 | 199360512 | 57 |
    | bn5 | batch normalisation | 256 x 26 x 26 | 512 | 0 | 57 |
    | layer8 | 2 x 2 average pooling, stride 2 | 256 x 13 x 13 | 0 | 0 | 65 |
    | fc1 | linear | 1024 | 44303360 | 44302336 | all |
    | fc2 | linear | 1024 | 1049600 | 1048576 | all |
    | dropout | dropout, probability 0.5 | 1024 | 0 | 0 | all |
    | fc3 | linear | 10 | 10250 | 10240 | all |

    The handout lists no activation, so there is none: in evaluation mode the whole network is one
    affine map. Activations would change none of the numbers.

    Shape:
        Input `(N, 3, H, W)` with H and W from 251 to 266, output `(N, 10)`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layer1 = nn.Conv2d(3, 32, kernel_size=7, stride=1, padding="same")
        self.bn1 = nn.BatchNorm2d(32)
        self.layer2 = nn.Conv2d(32, 64, kernel_size=5, stride=2, padding="valid")
        self.bn2 = nn.BatchNorm2d(64)
        self.layer3 = nn.AvgPool2d(kernel_size=2, stride=2)
        self.layer4 = nn.Conv2d(64, 128, kernel_size=3, dilation=2, padding="valid")
        self.bn3 = nn.BatchNorm2d(128)
        self.layer5 = nn.Conv2d(128, 128, kernel_size=3, padding="valid")
        self.bn4 = nn.BatchNorm2d(128)
        self.layer6 = nn.AvgPool2d(kernel_size=2, stride=2)
        self.layer7 = nn.Conv2d(128, 256, kernel_size=3, padding="valid")
        self.bn5 = nn.BatchNorm2d(256)
        self.layer8 = nn.AvgPool2d(kernel_size=2, stride=2)
        self.fc1 = nn.Linear(256 * 13 * 13, 1024)
        self.fc2 = nn.Linear(1024, 1024)
        self.dropout = nn.Dropout(0.5)
        self.fc3 = nn.Linear(1024, 10)

    def features(self, x: Tensor) -> Tensor:
        """Output of `layer8`, `(N, 256, 13, 13)`, of images `(N, 3, H, W)`."""
        x = self.bn1(self.layer1(x))
        x = self.layer3(self.bn2(self.layer2(x)))
        x = self.bn3(self.layer4(x))
        x = self.layer6(self.bn4(self.layer5(x)))
        maps: Tensor = self.layer8(self.bn5(self.layer7(x)))
        return maps

    def forward(self, x: Tensor) -> Tensor:
        """Logits `(N, 10)` of images `(N, 3, H, W)`."""
        x = self.fc2(self.fc1(self.features(x).flatten(1)))
        logits: Tensor = self.fc3(self.dropout(x))
        return logits
