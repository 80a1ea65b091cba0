"""What a page shows before a reader opens anything, and what waits behind one line.

Docutils has no fold. MyST-NB can hide a cell, the theme a box, and each names its fold in its own
way. Here a check stands behind a line that says what was compared and how closely it agreed, and a
fold of code or of a solution says of what.
"""
