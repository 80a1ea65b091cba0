"""When cells run, and how.

MyST-NB keys its cache on the text of a page's cells, and runs one page after another, each in a
kernel that imports torch anew. Here the key has all that cells can see, and pages run side by side
in kernels that are forks of one process.
"""
