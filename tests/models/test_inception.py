import pytest
import torch
from torch import nn

from cnnref.accounting import summarize
from cnnref.models import InceptionBlock
from cnnref.windows import Window
from tests.models.tables import assert_documented

ROW_3A = (192, 64, 96, 128, 16, 32, 32)


def by_loops(x, convolution):
    """A convolution with same padding and its ReLU, as loops over every index."""
    w, b = convolution.weight.detach(), convolution.bias.detach()
    side, (_, height, width) = w.shape[-1], x.shape
    out = torch.zeros(len(w), height, width, dtype=x.dtype)
    for o in range(len(w)):
        for i in range(height):
            for j in range(width):
                total = b[o]
                for c in range(len(x)):
                    for a in range(side):
                        for e in range(side):
                            row, column = i + a - side // 2, j + e - side // 2
                            if 0 <= row < height and 0 <= column < width:
                                total = total + w[o, c, a, e] * x[c, row, column]
                out[o, i, j] = max(total, 0.0)
    return out


def pooled_by_loops(x):
    """The largest of each pixel's neighbours that exist, itself included."""
    out = x.clone()
    for c in range(x.shape[0]):
        for i in range(x.shape[1]):
            for j in range(x.shape[2]):
                out[c, i, j] = x[c, max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2].max()
    return out


@pytest.mark.parametrize("reduce", [True, False])
def test_inception_is_four_paths_side_by_side(reduce):
    torch.manual_seed(0)
    block = InceptionBlock(3, 2, 1, 2, 2, 1, 2, reduce=reduce).double()
    x = torch.randn(3, 4, 5, dtype=torch.float64)
    parts = []
    for path in (block.path1, block.path3, block.path5, block.pool):
        part = pooled_by_loops(x) if path is block.pool else x
        for layer in path:
            if isinstance(layer, nn.Conv2d):
                part = by_loops(part, layer)
        parts.append(part)
    with torch.no_grad():
        torch.testing.assert_close(block(x[None])[0], torch.cat(parts), rtol=0, atol=1e-13)


def test_inception_table_in_the_docstring_is_what_the_module_does():
    assert_documented(InceptionBlock, summarize(InceptionBlock(*ROW_3A), (192, 28, 28)))


@pytest.mark.parametrize("size", [1, 2, 7, 28])
@pytest.mark.parametrize("reduce", [True, False])
def test_inception_keeps_height_and_width(reduce, size):
    block = InceptionBlock(*ROW_3A, reduce=reduce).to("meta")
    x = torch.empty(2, 192, size, size + 3, device="meta")
    assert block(x).shape == (2, block.out_channels, size, size + 3)
    assert block.out_channels == (256 if reduce else 416)


@pytest.mark.parametrize("reduce", [True, False])
def test_inception_parameters_are_those_of_its_row(reduce):
    c, n1, r3, n3, r5, n5, proj = ROW_3A
    naive = c * n1 + n1 + 9 * c * n3 + n3 + 25 * c * n5 + n5
    slim = c * n1 + n1 + c * r3 + r3 + 9 * r3 * n3 + n3
    slim += c * r5 + r5 + 25 * r5 * n5 + n5 + c * proj + proj
    block = InceptionBlock(*ROW_3A, reduce=reduce)
    assert sum(p.numel() for p in block.parameters()) == (slim if reduce else naive)


def test_inception_windows_are_centred_on_the_same_pixel():
    for path in InceptionBlock(2, 1, 1, 1, 1, 1, 1).children():
        field = Window(1).field
        for layer in path:
            if not isinstance(layer, nn.ReLU):
                kernel, padding = layer.kernel_size, layer.padding
                side = kernel[0] if isinstance(kernel, tuple) else kernel
                edge = padding[0] if isinstance(padding, tuple) else padding
                stride = layer.stride[0] if isinstance(layer.stride, tuple) else layer.stride
                field = field | Window(side, stride, edge)
        assert field.start == 0
        assert field.jump == 1
