"""What the entries of a tensor see of the network's input, exactly.

From the bottom: `taps` (which units of the layer below a unit reads) and, along one axis, what
follows from chains of them: `unclipped` on an endless input, `axis` on the real one. For a whole
tensor `dims` says which dimension moves along which axis, `labels` which channel has which field,
`tensor` keeps both through reductions and changes of dimensions, `reading` through windows, slices
and views, and `joins` through what has several operands. `followed` is one call of an operator with
what its arguments see; `rules` says which of all this torch's operators do, and `gates` what a
result sees without them. Nothing here runs a network, measures a gradient or counts: a field
follows from shapes and arguments alone.
"""
