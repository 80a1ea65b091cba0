"""What a network is, as its reader sees it.

From the bottom: `rows` (one layer), `blocks` (rows added up), `columns` (what can be shown of a
row), `tables` and `unfolding` (cells as text and as HTML), `values` (rows for other programs),
`again` (the network, to be run for what is asked later), `backward` and `memory` (what a training
step adds to the rows, and its bytes), `network` (the `Summary` of all rows, which has all of
these), `assembly`, where rows are made of the calls of a watched pass, and `building`, where
`summarize` has the pass run. `comparing` sets two summaries side by side, `latencies` is the
table of a network that was timed. Nothing here knows an operator, and nothing draws:
`cnnref.figures` imports summaries, never the other way.
"""
