"""Which of torch's operators is of which kind, for what it costs. Those that torch itself marks as
elementwise, and views, are not named."""

__all__ = ["OPERATORS"]

OPERATORS = {
    "product": "mm bmm mv dot vdot _int_mm affine_grid_generator _scaled_mm _scaled_mm_v2 "
    "_weight_int8pack_mm",
    "product and sum": "addmm addmm_ _addmm_activation baddbmm baddbmm_ addmv addmv_ _scaled_addmm "
    "_scaled_addmm_",
    "outer": "addr addr_",
    "attention": "scaled_dot_product_attention _scaled_dot_product_flash_attention_for_cpu "
    "_scaled_dot_product_flash_attention _scaled_dot_product_efficient_attention "
    "_scaled_dot_product_cudnn_attention _scaled_dot_product_fused_attention_overrideable "
    "_scaled_dot_product_attention_math_for_mps",
    "bag": "_embedding_bag _embedding_bag_forward_only",
    "distances": "_cdist_forward",
    "pooling": "avg_pool1d avg_pool2d avg_pool3d max_pool1d max_pool2d max_pool3d "
    "max_pool1d_with_indices max_pool2d_with_indices max_pool3d_with_indices "
    "fractional_max_pool2d fractional_max_pool3d quantized_max_pool1d quantized_max_pool2d "
    "quantized_max_pool3d",
    "read": "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d _adaptive_avg_pool2d "
    "_adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d",
    "normalisation": "batch_norm native_batch_norm _native_batch_norm_legit cudnn_batch_norm "
    "_native_batch_norm_legit_no_training _native_batch_norm_legit_functional instance_norm "
    "layer_norm native_layer_norm rms_norm _fused_rms_norm group_norm native_group_norm "
    "_batch_norm_no_update _batch_norm_with_update _batch_norm_with_update_functional "
    "batch_norm_elemt miopen_batch_norm _weight_norm_interface",
    "reduction": "mean sum amax amin max min var std var_mean std_mean prod logsumexp norm "
    "native_norm linalg_vector_norm softmax _softmax log_softmax _log_softmax _safe_softmax "
    "_masked_softmax cumsum cumsum_ cumprod cumprod_ cummax cummin logcumsumexp _logcumsumexp "
    "_cummax_helper _cummin_helper any all argmax argmin topk sort aminmax _aminmax median "
    "nanmedian nansum mode kthvalue trace dist count_nonzero allclose equal _is_all_true "
    "_is_any_true bincount histc _unique _unique2 unique_dim unique_consecutive "
    "unique_dim_consecutive renorm renorm_ embedding_renorm embedding_renorm_ segment_reduce "
    "hash_tensor batch_norm_stats batch_norm_gather_stats batch_norm_gather_stats_with_counts "
    "batch_norm_update_stats mse_loss smooth_l1_loss huber_loss soft_margin_loss "
    "binary_cross_entropy binary_cross_entropy_with_logits nll_loss_forward nll_loss2d_forward "
    "multi_margin_loss multilabel_margin_loss_forward",
    "elementwise": "upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_linear1d "
    "upsample_bilinear2d upsample_trilinear3d upsample_bicubic2d _upsample_nearest_exact1d "
    "_upsample_nearest_exact2d _upsample_nearest_exact3d _upsample_bilinear2d_aa "
    "_upsample_bicubic2d_aa _upsample_lanczos2d_aa grid_sampler_2d grid_sampler_3d relu6 relu6_ "
    "hardswish hardswish_ selu selu_ prelu _prelu_kernel glu bucketize searchsorted isin rsub "
    "floor_divide floor_divide_ log_sigmoid_forward rrelu_with_noise rrelu_with_noise_ "
    "rrelu_with_noise_functional where masked_fill masked_fill_ abs_ copysign_ eq_ ne_ ge_ gt_ le_ "
    "lt_ gelu_ mish_ heaviside_ gcd_ lcm_ threshold_ xlogy_ __irshift__ _add_relu _add_relu_ "
    "linalg_cross polar _masked_scale fake_quantize_per_tensor_affine_cachemask "
    "fake_quantize_per_channel_affine_cachemask",
    "added": "scatter_add scatter_add_ scatter_reduce scatter_reduce_ index_add index_add_ "
    "index_reduce index_reduce_",
    "nothing": "cat stack _stack _chunk_cat constant_pad_nd _pad_circular "
    "reflection_pad1d reflection_pad2d "
    "reflection_pad3d replication_pad1d replication_pad2d replication_pad3d clone contiguous "
    "_lazy_clone detach detach_ lift lift_fresh lift_fresh_copy _to_copy copy copy_ _copy_from "
    "_copy_from_and_resize fill fill_ zero zero_ set set_ shallow_copy_data_ index index_select "
    "gather take put put_ roll flip rot90 repeat repeat_interleave embedding masked_select "
    "masked_scatter masked_scatter_ index_copy index_copy_ index_fill index_fill_ index_put "
    "index_put_ _index_put_impl _index_put_impl_ _unsafe_index _unsafe_index_put "
    "_unsafe_masked_index _unsafe_masked_index_put_accumulate scatter scatter_ slice_scatter "
    "select_scatter diagonal_scatter as_strided_scatter max_unpool2d max_unpool3d "
    "dropout dropout_ alpha_dropout feature_dropout native_dropout _fused_dropout bernoulli "
    "bernoulli_ uniform uniform_ normal normal_ normal_functional log_normal log_normal_ "
    "exponential exponential_ geometric geometric_ cauchy cauchy_ random random_ randint "
    "randint_like randperm multinomial poisson binomial _standard_gamma _sample_dirichlet "
    "_philox_key_fold_in _philox_key_split _philox_normal _philox_normal_ _philox_randint "
    "_philox_randint_ _philox_uniform _philox_uniform_ rand randn rand_like randn_like "
    "view reshape _unsafe_view flatten unflatten squeeze squeeze_ unsqueeze unsqueeze_ expand "
    "permute transpose transpose_ t t_ as_strided as_strided_ slice select split "
    "split_with_sizes unsafe_split unsafe_split_with_sizes chunk unbind unfold diagonal alias "
    "_reshape_alias view_as im2col col2im pixel_shuffle pixel_unshuffle channel_shuffle "
    "native_channel_shuffle "
    "view_copy _reshape_copy _reshape_alias_copy squeeze_copy unsqueeze_copy expand_copy "
    "permute_copy transpose_copy t_copy as_strided_copy slice_copy select_copy narrow_copy "
    "split_copy split_with_sizes_copy unbind_copy unfold_copy diagonal_copy alias_copy detach_copy "
    "_conj_copy _neg_view_copy _make_dual_copy _fw_primal_copy view_as_real_copy "
    "view_as_complex_copy complex "
    "arange range zeros ones full empty eye linspace logspace scalar_tensor empty_like zeros_like "
    "ones_like full_like new_zeros new_ones new_empty new_full new_empty_strided empty_strided "
    "empty_permuted _efficientzerotensor _new_zeros_with_same_feature_meta from_file tril tril_ "
    "triu triu_ tril_indices triu_indices diag_embed block_diag hann_window hamming_window "
    "blackman_window bartlett_window kaiser_window "
    "resize resize_ resize_as resize_as_ _resize_output _resize_output_ _pin_memory "
    "_local_scalar_dense nonzero nonzero_static _assert_tensor_metadata _assert_async "
    "_assert_scalar sym_constrain_range sym_constrain_range_for_size _functional_assert_async "
    "_functional_assert_scalar _functional_sym_constrain_range "
    "_functional_sym_constrain_range_for_size _make_dep_token record_stream is_same_size "
    "is_set_to is_pinned is_coalesced _has_same_storage_numel _fused_sdp_choice "
    "_pack_padded_sequence _print",
}
"""Names by kind. "nothing" moves entries, makes them or asks of them, and computes none."""
