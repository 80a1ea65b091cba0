"""Chapters where this site is not: as notebooks, and on paper.

The theme offers a page's source for download, whose numbers, citations and references only this
book can resolve, and Sphinx makes a PDF by LaTeX, which knows neither our drawings nor our boxes.
Here a notebook is written from the resolved page, and Chromium prints the built pages.
"""
