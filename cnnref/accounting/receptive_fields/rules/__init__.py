"""What each of torch's operators does to receptive fields, by what kind of operator it is.

`sliding` windows (convolution, pooling, interpolation, padding), `elementwise` arithmetic,
`contractions` (matrix products, attention), `reductions` (means, softmax, normalisation) and
`rearranging` (views, slices, joins); `lookup` finds the rule of a call. A rule reads an operator's
arguments and says it in the words of `tensor`, `reading` and `joins`; what fields are and how they
are computed is never decided here.
"""
