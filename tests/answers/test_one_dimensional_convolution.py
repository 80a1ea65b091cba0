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


def test_the_table_of_lengths_by_walking(chapter):
    """Windows are counted by stepping over positions; the transposed case marks what it writes."""

    def walked(inputs, stride=1, padding=0, dilation=1):
        starts = range(0, inputs + padding, stride)
        return sum(start + 2 * dilation < inputs + padding for start in starts)

    written = {start * 2 + tap for start in range(10) for tap in range(3)}
    assert chapter("one-dimensional-convolution")["lengths"] == {
        "valid": walked(10),
        "same": walked(10, padding=2),
        "full": walked(10, padding=4),
        "strided": walked(10, stride=2),
        "strided, same": walked(10, stride=2, padding=1),
        "dilated": walked(10, dilation=2),
        "dilated, same": walked(10, padding=4, dilation=2),
        "fractional": walked(len("0".join("0123456789"))),
        "transposed": len(written),
    }
