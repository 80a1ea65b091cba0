"""Operators that have no formula, and what they are: told as unknown, never counted as nothing.

Together with those that `macs` charges, and those that torch takes apart into others, they are all
of torch's own; a test asks torch for the list.
"""

from __future__ import annotations

import re

__all__ = ["why_uncounted"]

_KINDS = {
    "a gradient": r"backward|_jvp$|_grad$|_grad_|_vjp",
    "a step of an optimizer": r"^_foreach_|^_fused_(ada|sgd)|^_amp_",
    "for sparse tensors": r"sparse|_csr|_csc|_bsr|_bsc|coo_|_nnz|coalesce|_dim[IV]$|spsolve|spdiags"
    r"|hspmm|(col|row|ccol|crow)_indices|^_?(indices|values)_copy|^dense_dim|^_to_dense|_cslt",
    "for quantised tensors": r"quant|int_repr|^q_|qscheme|_fq_|_int4|^_dyn_",
    "for nested tensors": r"nested|jagged|padded",
    "a library's own form of a layer": r"mkldnn|miopen|cudnn|_mps|mps_|nnpack|depthwise|slow_conv"
    r"|_triton|_cpu_fallback|_rnn|^_thnn|overrideable|^_native_multi_head|^_transformer_encoder",
    "linear algebra": r"linalg|cholesky|^lu_|geqrf|ormqr|triangular_solve|matrix_"
    r"|_linear_combination",
    "a Fourier transform": r"fft",
    "made for torch's own tests": r"^_test_|^_foobar$",
    "attention in a layout of its own": r"^_(flash|efficient)_attention|_transform_bias|_fill_mem",
    "a distance or a loss with a formula of its own": r"^_euclidean_dist|^_pdist|ctc_loss",
    "a histogram": r"hist",
    "several products in one": r"scaled_grouped_mm|^_trilinear|^linear_|^_mixed_dtypes",
}


def why_uncounted(name: str) -> str:
    """What an operator of torch is that has no formula; empty for one that is not known.

    Args:
        name: without `aten.` before it.
    """
    return next((kind for kind, words in _KINDS.items() if re.search(words, name)), "")
