"""What the entries of a tensor see of the network's input, exactly.

From the bottom: `taps` (which units of the layer below a unit reads) and, along one axis, what
follows from chains of them: `unclipped` on an endless input, `axis` on the real one. For a whole
tensor `dims` says which dimension moves along which axis, `labels` which channel has which field,
`tensor` keeps both through views and reductions, and `joins` through what has several operands.
`rules` says which of these torch's operators do. Nothing here runs a network, measures a gradient
or counts: a field follows from shapes and arguments alone.
"""
