"""Attention as processors compute it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["attention_fused"]

aten = torch.ops.aten


@contextlib.contextmanager
def attention_fused() -> Iterator[None]:
    """While it lasts, attention of tensors without values is one operator, which keeps no scores.

    So it is on a CPU or a GPU; on the meta device torch takes it apart, and would keep them all.
    """
    original = functional.scaled_dot_product_attention

    def fused(
        query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None,
        dropout_p: float = 0.0, is_causal: bool = False, scale: float | None = None,
        enable_gqa: bool = False,
    ) -> Any:  # fmt: skip
        whole = query.is_meta and query.dim() == 4 and not enable_gqa
        if whole and query.shape[-1] == key.shape[-1] == value.shape[-1]:
            if dropout_p == 0 and (attn_mask is None or not attn_mask.requires_grad):
                mask = attn_mask
                if mask is not None and mask.dtype is torch.bool:
                    mask = mask.to(query.dtype)
                return aten._scaled_dot_product_flash_attention_for_cpu(
                    query, key, value, dropout_p, is_causal, attn_mask=mask, scale=scale
                )[0]
            if attn_mask is None:
                return aten._scaled_dot_product_efficient_attention(
                    query, key, value, None, True, dropout_p, is_causal, scale=scale
                )[0]
        return original(
            query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa
        )

    functional.scaled_dot_product_attention = fused
    try:
        yield
    finally:
        functional.scaled_dot_product_attention = original
