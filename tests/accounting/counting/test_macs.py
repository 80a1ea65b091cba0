"""Every formula against plain loops that count products, and against torch's own counter."""

from collections import Counter
from itertools import product

import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from cnnref.accounting import AccountingError, Extras, summarize
from cnnref.accounting.counting.macs import standing
from cnnref.accounting.counting.operators import OPERATORS


class Does(nn.Module):
    """A network without layers."""

    def __init__(self, run):
        super().__init__()
        self.run = run

    def forward(self, *args, **kwargs):
        return self.run(*args, **kwargs)


def count(run, *inputs):
    counted = summarize(Does(run) if not isinstance(run, nn.Module) else run, inputs=inputs)
    assert counted.macs_status == "complete"
    return counted.total_macs


def by_torch(run, *inputs):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        run(*(x.to("meta") for x in inputs))
    assert counter.get_total_flops() % 2 == 0
    return counter.get_total_flops() // 2


def loops_convolution(x, w, groups, out_shape):
    """One product for each output, tap, and input channel of the output's group."""
    total = 0
    n, channels, *places = out_shape
    for _ in product(*map(range, (n, channels, *places))):
        for _ in product(range(x.shape[1] // groups), *map(range, w.shape[2:])):
            total += 1
    return total


def loops_transposed(x, w):
    """Each input entry is multiplied by each weight that leaves its channel."""
    total = 0
    for _ in product(*map(range, x.shape)):
        for _ in product(*map(range, w.shape[1:])):
            total += 1
    return total


CONVOLUTIONS = [(F.conv1d, F.conv_transpose1d, 1), (F.conv2d, F.conv_transpose2d, 2),
                (F.conv3d, F.conv_transpose3d, 3)]  # fmt: skip


@pytest.mark.parametrize(("conv", "transposed", "axes"), CONVOLUTIONS)
@pytest.mark.parametrize("groups", [1, 2])
def test_convolutions(conv, transposed, axes, groups):
    x = torch.zeros(2, 4, *[5] * axes)
    w = torch.zeros(6, 4 // groups, *[3] * axes)
    options = {"stride": 2, "padding": 1, "groups": groups}
    out = conv(x, w, **options)
    expected = loops_convolution(x, w, groups, out.shape)
    assert count(lambda x: conv(x, w, **options), x) == expected
    w = torch.zeros(4, 6 // groups, *[3] * axes)
    expected = loops_transposed(x, w)
    assert count(lambda x: transposed(x, w, **options, output_padding=1), x) == expected


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_padding_by_name(padding):
    x, w = torch.zeros(1, 3, 8, 7), torch.zeros(5, 3, 5, 3)
    out = F.conv2d(x, w, padding=padding, dilation=(1, 2))
    expected = loops_convolution(x, w, 1, out.shape)
    assert count(lambda x: F.conv2d(x, w, padding=padding, dilation=(1, 2)), x) == expected


def test_linear_on_every_rank():
    layer = nn.Linear(7, 3)
    for shape in [(7,), (2, 7), (2, 5, 7), (2, 5, 4, 7)]:
        rows = torch.zeros(shape).numel() // 7
        counted = summarize(layer, inputs=torch.zeros(shape))
        assert counted.total_macs == rows * 7 * 3
        assert counted.total_extras.bias == rows * 3


PRODUCTS = {
    "mm": (lambda a, b: a[0] @ b[0], 3 * 4 * 5),
    "bmm": (lambda a, b: a @ b, 2 * 3 * 4 * 5),
    "mv": (lambda a, b: a[0] @ b[0, :, 0], 3 * 4),
    "dot": (lambda a, b: a[0, 0] @ b[0, :, 0], 4),
    "addmm": (lambda a, b: torch.addmm(torch.zeros(5), a[0], b[0]), 3 * 4 * 5),
    "baddbmm": (lambda a, b: torch.baddbmm(torch.zeros(5), a, b), 2 * 3 * 4 * 5),
    "addbmm": (lambda a, b: torch.addbmm(torch.zeros(5), a, b), 2 * 3 * 4 * 5),
    "addmv": (lambda a, b: torch.addmv(torch.zeros(3), a[0], b[0, :, 0]), 3 * 4),
    "matmul broadcast": (lambda a, b: a[:, None] @ b[None], 2 * 2 * 3 * 4 * 5),
    "einsum": (lambda a, b: torch.einsum("bij,bjk->bik", a, b), 2 * 3 * 4 * 5),
    "einsum over the batch": (lambda a, b: torch.einsum("bij,bjk->ik", a, b), 2 * 3 * 4 * 5),
    "tensordot": (lambda a, b: torch.tensordot(a, b, ([2], [1])), 2 * 3 * 2 * 4 * 5),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products(name):
    run, expected = PRODUCTS[name]
    assert count(run, torch.zeros(2, 3, 4), torch.zeros(2, 4, 5)) == expected


def test_products_in_groups():
    """Each row with the matrix of its group, as where experts share out tokens."""
    ends = torch.tensor([3, 4, 7], dtype=torch.int32)
    x, w = torch.zeros(7, 16), torch.zeros(3, 16, 8)
    rows = sum(16 * 8 for _ in range(7))
    assert count(lambda x, w: torch._grouped_mm(x, w, offs=ends.to(x.device)), x, w) == rows
    assert count(torch._grouped_mm, torch.zeros(3, 7, 16), w) == 3 * 7 * 16 * 8
    # A sum of 7 terms for each of 16 times 8 entries, shared out among three sums.
    x, y = torch.zeros(7, 16).mT, torch.zeros(7, 8)
    shared = count(lambda x, y: torch._grouped_mm(x, y, offs=ends.to(x.device)), x, y)
    assert shared == 16 * 8 * 7


def test_bilinear():
    expected = 0
    for _ in product(range(2), range(5)):  # batch and outputs: x1' W x2
        expected += 3 * 4  # x1' W, one entry of which for each of the 4 of x2
        expected += 4
    assert count(nn.Bilinear(3, 4, 5), torch.zeros(2, 3), torch.zeros(2, 4)) == expected


@pytest.mark.parametrize("training", [False, True])
def test_attention(training):
    """Scores of every query with every key, then as many weighted values."""
    layer = nn.MultiheadAttention(8, 2, batch_first=True)
    x = torch.zeros(3, 5, 8)
    counted = summarize(layer, inputs=(x, x, x), training=training)
    assert counted.total_macs == 3 * 5 * 8 * 8 * 4 + 3 * 2 * (5 * 5 * 4) * 2
    assert counted.total_parameters == sum(p.numel() for p in layer.parameters())
    q, k, v = torch.zeros(1, 2, 5, 4), torch.zeros(1, 2, 7, 4), torch.zeros(1, 2, 7, 6)
    assert count(F.scaled_dot_product_attention, q, k, v) == 2 * 5 * 7 * (4 + 6)


def test_attention_counts_alike_where_values_are():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    x = torch.zeros(2, 5, 8)
    on_meta = summarize(layer, inputs=x)
    assert summarize(layer, inputs=x, device="cpu").total_macs == on_meta.total_macs
    assert on_meta.total_macs == 2 * (5 * 8 * 8 * 4 + 2 * 2 * 5 * 5 * 4 + 2 * 5 * 8 * 16)


def test_deformable_convolution():
    x, w = torch.zeros(2, 4, 6, 6), torch.zeros(3, 4, 3, 3)
    offset = torch.zeros(2, 18, 4, 4)
    run = torchvision.ops.deform_conv2d
    expected = loops_convolution(x, w, 1, (2, 3, 4, 4))
    assert count(lambda x, o: run(x, o, w), x, offset) == expected


@pytest.mark.parametrize(
    ("layer", "gates"), [(nn.RNN, 1), (nn.GRU, 3), (nn.LSTM, 4)], ids=["rnn", "gru", "lstm"]
)
def test_recurrent_layers(layer, gates):
    """Each gate is one product with the input and one with the state, at each of 5 steps."""
    net = layer(6, 7, batch_first=True)
    counted = summarize(net, inputs=torch.zeros(2, 5, 6))
    assert counted.macs_status == "complete"
    assert counted.total_macs == 2 * 5 * gates * 7 * (6 + 7)
    assert counted.total_parameters == sum(p.numel() for p in net.parameters())


def test_extras():
    net = nn.Sequential(
        nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(12, 5),
    )  # fmt: skip
    counted = summarize(net, (2, 6, 6))
    entries = 3 * 4 * 4
    assert counted.total_extras == Extras(entries + 5, entries, entries, entries)
    assert counted["3"].macs == 0
    assert summarize(nn.AdaptiveAvgPool2d(2), (2, 6, 6)).total_extras.pooling == 72


def test_functional_calls_have_rows():
    w = torch.zeros(4, 3, 3, 3)
    net = Does(lambda x: F.max_pool2d(F.conv2d(F.conv2d(x, w), torch.zeros(4, 4, 1, 1)), 2))
    counted = summarize(net, (3, 8, 8))
    assert [layer.macs for layer in counted.layers] == [4 * 27 * 36, 16 * 36, 0]
    assert len({layer.name for layer in counted.layers}) == 3


def test_reused_layers_and_tied_weights():
    layer = nn.Linear(4, 4, bias=False)
    net = nn.Sequential(layer, nn.ReLU(), layer)
    counted = summarize(net, (4,))
    assert counted.total_parameters == 16
    assert counted.total_macs == 32
    assert [row.reused for row in counted.layers] == [False, False, True]
    tied = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 9, bias=False))
    tied[1].weight = tied[0].weight
    counted = summarize(tied, inputs=torch.zeros(2, 3, dtype=torch.long))
    assert counted.total_parameters == 36
    assert counted.total_macs == 2 * 3 * 36


@pytest.fixture(scope="module")
def secret():
    """An operator that nobody knows."""

    @torch.library.custom_op("cnnref_tests::secret", mutates_args=())
    def secret(x: torch.Tensor) -> torch.Tensor:
        return x.clone()

    secret.register_fake(torch.empty_like)
    return secret


def test_an_unknown_operator_is_told(secret):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x):
            return secret(self.conv(x))

    class Both(Does):
        """A leaf of its own that convolves and calls the operator."""

    counted = summarize(Net(), (3, 8, 8))
    assert counted.macs_status == "partial"
    assert counted.total_macs == 4 * 27 * 36
    assert "not counted: cnnref_tests.secret" in str(counted)
    assert "at least" in str(counted)
    (row,) = [row for row in counted.layers if row.uncounted]
    assert (row.macs, row.macs_status) == (None, "unavailable")
    w = torch.zeros(4, 3, 3, 3)
    counted = summarize(nn.Sequential(Both(lambda x: secret(F.conv2d(x, w)))), (3, 8, 8))
    assert (counted.layers[0].macs_status, counted.layers[0].macs) == ("partial", 4 * 27 * 36)
    assert "≥ 3,888" in str(counted)
    with pytest.raises(AccountingError, match=r"no formula counts cnnref_tests\.secret"):
        summarize(Net(), (3, 8, 8), strict=True)
    told = summarize(nn.Sequential(Net(), nn.ReLU()), (3, 8, 8))["1"]
    assert (told.field_status, told.reason) == ("unavailable", "no rule for secret")
    with pytest.raises(AccountingError, match="without strict=True"):
        summarize(nn.Sequential(Net(), nn.ReLU()), (3, 8, 8), strict=True)


def test_every_operator_of_torch_is_charged_taken_apart_or_named_as_unknown():
    names = {name for name in torch._C._dispatch_get_all_op_names() if name.startswith("aten::")}
    forgotten, found = [], Counter()
    for name in sorted({name.partition(".")[0].removeprefix("aten::") for name in names}):
        packet = getattr(torch.ops.aten, name)
        for overload in packet.overloads():
            operator = getattr(packet, overload)
            try:
                operator._can_decompose()
            except RuntimeError:  # a function of TorchScript, which no tensor calls
                continue
            if not overload.endswith("out"):
                told = standing(operator)
                found[told] += 1
                forgotten += [] if told else [name]
    assert not forgotten
    assert min(found[told] for told in ("charged", "taken apart", "unknown")) > 100


def test_no_operator_is_named_twice():
    named = [name for names in OPERATORS.values() for name in names.split()]
    assert max(Counter(named).values()) == 1


@pytest.mark.parametrize(
    "run",
    [
        lambda x: x.detach_(),
        lambda x: torch.tensor([1.0, 2.0]).sum() + x,
        lambda x: x.unsafe_split(2, 1)[0],
        lambda x: x.unsqueeze_(0).squeeze_(0),
        lambda x: x.scatter_add(0, torch.zeros(2, 3, dtype=torch.long), x),
        lambda x: x.index_fill(1, torch.tensor([0]), 1.0),
        lambda x: x.repeat_interleave(2, 0),
        lambda x: torch.hann_window(3) * x,
        lambda x: F.mse_loss(x, x),
        lambda x: torch.cdist(x, x),
    ],
)
def test_what_makes_no_macs_is_complete(run):
    counted = summarize(Does(run), inputs=torch.zeros(2, 3), strict=True, receptive_fields=False)
    assert (counted.total_macs, counted.macs_status) == (0, "complete")


def test_cells_and_wrappers_are_complete():
    counted = summarize(nn.LSTMCell(4, 5), inputs=torch.zeros(2, 4), strict=True)
    assert counted.total_macs == 360
    assert summarize(nn.DataParallel(nn.Linear(4, 5)), (4,), strict=True).total_macs == 20


def test_sums_of_rows_with_weights_are_products():
    bag, rows = nn.EmbeddingBag(10, 4, mode="sum"), torch.zeros(2, 3, dtype=torch.long)
    assert summarize(bag, inputs=rows).total_extras.elementwise == 6 * 4
    counted = summarize(bag, inputs=(rows, None, torch.ones(2, 3)))
    assert (counted.total_macs, counted.macs_status) == (6 * 4, "complete")


def test_other_forms_of_products():
    a, b, c = torch.zeros(2, 3), torch.zeros(3, 4), torch.zeros(2, 4)
    assert count(lambda a, b, c: c.addmm_(a, b), a, b, c) == 2 * 3 * 4
    assert count(lambda v, w: torch.addr(torch.zeros(3, 4), v, w), a[0], b[0]) == 3 * 4
    theta = torch.zeros(2, 2, 3)
    assert count(lambda t: F.affine_grid(t, (2, 1, 5, 6), align_corners=False), theta) == (
        2 * 5 * 6 * 3 * 2
    )


def test_an_operator_that_returns_nothing_is_not_free():
    @torch.library.custom_op("cnnref_tests::inplace", mutates_args={"x"})
    def inplace(x: torch.Tensor) -> None:
        x.mul_(x @ x)

    inplace.register_fake(lambda x: None)
    counted = summarize(Does(lambda x: (inplace(x), x)[1]), inputs=torch.zeros(3, 3))
    assert counted.macs_status == "partial"
    assert "cnnref_tests.inplace" in str(counted)


NETS = {
    "unet-like": lambda: nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1, groups=1), nn.Conv2d(8, 8, 3, padding="same", groups=4),
        nn.ConvTranspose2d(8, 6, 4, 2, 1, groups=2), nn.Upsample(scale_factor=2),
        nn.Conv2d(6, 3, 1),
    ),
    "mixer": lambda: nn.Sequential(
        nn.Conv2d(3, 8, 4, 4), nn.Flatten(2), nn.Linear(16, 5), nn.GELU(), nn.Linear(5, 16)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NETS)
def test_networks_against_torch(name):
    net, x = NETS[name](), torch.zeros(2, 3, 16, 16)
    assert count(net, x) == by_torch(net.to("meta"), x)
