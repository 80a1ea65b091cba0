"""Inputs by size and as they are: dtypes, containers, names."""

from collections import OrderedDict, UserDict, namedtuple
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils.flop_counter import FlopCounterMode

from cnnref.accounting import AccountingError, summarize
from cnnref.accounting.operation import tensors
from cnnref.accounting.tracing.inputs import arguments, each_tensor

META = torch.device("meta")


class Tokens(nn.Module):
    """A table of words, and a picture beside them."""

    def __init__(self):
        super().__init__()
        self.words, self.pixels = nn.Embedding(100, 8), nn.Linear(12, 8)

    def forward(self, ids, image):
        return self.words(ids).mean(1) + self.pixels(image.flatten(1))


class Nested(nn.Module):
    """Takes what it needs out of a mapping and a list, and asks for more by name."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, batch, scales, *, twice=False, bias=None):
        x = self.conv(batch["image"]) * scales[0].mean() + scales[1][0].mean()
        x = self.conv(batch["image"]) + x if twice else x
        return x if bias is None else x + bias


def message(*args, **kwargs):
    with pytest.raises(AccountingError) as caught:
        summarize(*args, **kwargs)
    return str(caught.value)


def test_one_dtype_for_all():
    table = nn.Embedding(100, 8)
    for kind in (torch.long, "long", "int32", torch.int32):
        assert summarize(table, (5,), dtypes=kind)[""].output_shape == (1, 5, 8)


@pytest.mark.parametrize(
    ("sizes", "dtypes"),
    [
        ([(7,), (3, 2, 2)], [torch.long, None]),
        ([(7,), (3, 2, 2)], ("long", torch.float32)),
        ({"ids": (7,), "image": (3, 2, 2)}, {"ids": "long"}),
    ],
    ids=["list", "tuple and names", "mapping, one left out"],
)
def test_a_dtype_for_each(sizes, dtypes):
    counted = summarize(Tokens(), sizes, dtypes=dtypes)
    assert counted["words"].output_shape == (1, 7, 8)
    assert counted["pixels"].macs == 96


def test_what_is_not_named_has_the_precision_of_the_network():
    args, _ = arguments(nn.Linear(3, 4).half(), [(3,), (2,)], None, True, META, [None, "bool"])
    assert [x.dtype for x in args] == [torch.float16, torch.bool]


def test_containers_by_size_and_as_they_are():
    size = [{"image": (3, 8, 8)}, [(2,), ((5,),)]]
    by_size = summarize(Nested(), size)
    x, a, b = torch.zeros(1, 3, 8, 8), torch.zeros(1, 2), torch.zeros(1, 5)
    given_ = summarize(Nested(), inputs=({"image": x}, [a, (b,)]))
    assert [*by_size.layers] == [*given_.layers]
    assert by_size.inputs == {"0.image": (1, 3, 8, 8), "1.0": (1, 2), "1.1.0": (1, 5)}
    assert by_size["conv"].receptive_field == (3, 3)
    assert by_size["conv"].field_inputs == ("0.image", "0.image")


def test_one_tensor_in_a_container_is_the_input():
    class First(nn.Module):
        def forward(self, images):
            return images[0] * 2

    assert [*summarize(First(), [[(3, 8, 8)]]).inputs] == ["input"]


def test_further_arguments_by_name():
    size = [{"image": (3, 8, 8)}, [(2,), [(5,)]]]
    once, twice = (summarize(Nested(), size, kwargs={"twice": each}) for each in (False, True))
    assert twice.total_macs == 2 * once.total_macs
    steered = summarize(Nested(), size, kwargs={"bias": torch.zeros(4, 1, 1)})
    assert "bias" in steered.inputs


def test_a_mapping_of_another_class_stays_one():
    class Attributes(nn.Module):
        def forward(self, batch):
            return batch.data["x"] * 2

    batch = UserDict(x=torch.zeros(1, 3))
    counted = summarize(Attributes(), inputs=(batch,))
    assert counted.total_extras.elementwise == 3
    assert not batch["x"].is_meta


@dataclass(frozen=True)
class Batch:
    image: torch.Tensor
    scale: float = 2.0


def test_dataclasses_go_in_and_out():
    class Takes(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, batch):
            return Batch(self.conv(batch.image) * batch.scale)

    net, batch = nn.Sequential(Takes(), Takes()), Batch(torch.zeros(1, 3, 8, 8))
    net[1].conv = nn.Conv2d(4, 5, 3)
    counted = summarize(net, inputs=batch)
    assert counted.inputs == {"input": (1, 3, 8, 8)}
    assert counted["1.conv"].receptive_field == (5, 5)
    assert counted["0"].output_shape == (1, 4, 6, 6)
    assert [*summarize(net, inputs=(batch,))] == [*counted]
    assert batch.image.shape == (1, 3, 8, 8)
    assert not batch.image.is_meta


def test_packed_sequences_are_one_argument():
    lengths, table = torch.tensor([3, 5]), torch.zeros(2, 5, 4)
    packed = pack_padded_sequence(table, lengths, batch_first=True, enforce_sorted=False)
    for net in (nn.LSTM(4, 6), nn.GRU(4, 6, bidirectional=True), nn.RNN(4, 6, num_layers=2)):
        with FlopCounterMode(display=False) as counter:
            net.to("meta")(packed.to("meta"))
        net.to_empty(device="cpu")
        for given_ in (packed, (packed,)):
            counted = summarize(net, inputs=given_)
            assert counted.macs_status == "complete"
            assert 2 * counted.total_macs == counter.get_total_flops()


def test_the_callers_containers_are_left_alone():
    class Takes(nn.Module):
        def forward(self, batch):
            return batch.pop("x") * 2

    batch = {"x": torch.zeros(1, 3)}
    summarize(Takes(), inputs=(batch,))
    assert [*batch] == ["x"]


def test_what_is_wrong_is_told():
    net, both = Tokens(), [(7,), (3, 2, 2)]
    assert "unknown dtype 'lng'" in message(net, both, dtypes="lng")
    assert "one dtype such as torch.long is needed, got 3" in message(net, both, dtypes=3)
    told = message(nn.Embedding(9, 4), (7,), dtypes=[torch.long])
    assert "is needed for the one input size, got [torch.int64]" in told
    assert "dtypes has 1 for 2 inputs" in message(net, both, dtypes=["long"])
    told = message(net, both, dtypes={"ids": "long"})
    assert "one for all inputs, or in the containers that the sizes are in" in told
    told = message(net, {"ids": (7,), "image": (3, 2, 2)}, dtypes={"id": "long"})
    assert "unknown input in dtypes 'id'; did you mean 'ids'?" in told
    assert "got 0 in (0, 2) at [1]['a']" in message(net, [(7,), {"a": (0, 2)}])
    told = message(net, inputs=torch.zeros(1, 3), dtypes="long")
    assert "inputs have their own" in told
    assert "kwargs maps names to arguments" in message(net, both, kwargs=["twice"])
    twice = {"ids": (7,), "image": (3, 2, 2)}
    assert "ids: given as an input, and again" in message(net, twice, kwargs={"ids": None})
    there = torch.zeros(1, device="meta")
    told = message(net, both, kwargs={"more": there}, device="cpu")
    assert "an input is on meta" in told


Pair = namedtuple("Pair", "a b")
leaves = st.one_of(st.integers(), st.none(), st.builds(lambda n: torch.zeros(n), st.integers(0, 3)))
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.tuples(inner, inner), st.builds(Pair, inner, inner),
        st.dictionaries(st.sampled_from("abc"), inner),
        st.dictionaries(st.sampled_from("abc"), inner).map(OrderedDict),
    ),
)  # fmt: skip


@given(values)
def test_every_tensor_is_changed_and_nothing_else(value):
    def alike(a, b):
        assert type(a) is type(b)
        if isinstance(a, torch.Tensor):
            assert b.shape == (len(a) + 1,)
        elif isinstance(a, dict):
            assert [*a] == [*b]
            assert a is not b
            [alike(a[key], b[key]) for key in a]
        elif isinstance(a, list | tuple):
            assert len(a) == len(b)
            [alike(x, y) for x, y in zip(a, b, strict=True)]
        else:
            assert a == b

    before = [len(tensor) for tensor in tensors(value)]
    changed = each_tensor(value, lambda tensor: torch.zeros(len(tensor) + 1))
    alike(value, changed)
    assert [len(tensor) for tensor in tensors(value)] == before
