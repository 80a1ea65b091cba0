"""What a network is, as its reader sees it.

`rows` (one layer), `network` (all rows, their totals, what they can be turned into), `tables` (the
same as text) and `building`, where `summarize` makes them of a watched pass. Nothing here knows an
operator, and nothing draws: `cnnref.figures` imports summaries, never the other way.
"""
