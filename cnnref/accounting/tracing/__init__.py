"""One forward pass of any network, watched.

`forward` runs it; `calls` stands for the calls of modules, `operators` sees every operator that
they ask torch for, `fields` keeps what each tensor sees; `keeping` notes all that the network
holds, and `undoing` puts it back. `steps` runs a whole training step instead, seen by `step_watch`,
with `attention` as processors compute it. Around both: `targets` (networks by name), `inputs` (from
sizes) and `diagnosis` (what went wrong, as one message). How an operator is charged or followed is
looked up in `counting` and `receptive_fields`, and never written here.
"""
