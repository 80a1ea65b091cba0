"""What one operator costs: its MACs, everything else that it computes, the shape of its result.

All of it follows from the shapes that go in and come out: `extras` says what counts as what, `macs`
holds the formulas, `gradients` those of the way back, `shapes` what torch takes long to find out.
What an operator reads of the input, and which module called it, is never known here.
"""
