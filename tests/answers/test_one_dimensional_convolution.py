"""The numbers of the chapter on one-dimensional convolution, by loops over the digits of pi.

The kernel (100, 10, 1) spells the window that it looks at, so every output is a string of three
digits. The oracle slides over text and does no arithmetic; nothing of the library is used.
"""

DIGITS = "31415926"


def spelled(digits, step=1):
    """Every window of three digits, as a number."""
    return [int(digits[i : i + 3]) for i in range(0, len(digits) - 3 + 1, step)]


def test_plain_windows_are_spelled(chapter):
    assert chapter("one-dimensional-convolution")["plain"].tolist() == spelled(DIGITS)


def test_a_stride_skips_windows(chapter):
    strided = chapter("one-dimensional-convolution")["strided"].tolist()
    assert strided == spelled(DIGITS, step=2)
    assert len(strided) == (8 - 3) // 2 + 1


def test_a_fractional_stride_spells_inserted_zeros(chapter):
    halved = chapter("one-dimensional-convolution")["halved"].tolist()
    assert halved == spelled("0".join(DIGITS[:4]))
    assert len(halved) == (4 - 1) * 2 - 3 + 2


def test_same_padding_keeps_the_length(chapter):
    kept = chapter("one-dimensional-convolution")["kept"].tolist()
    assert kept == spelled(f"0{DIGITS}0")
    assert len(kept) == len(DIGITS)
