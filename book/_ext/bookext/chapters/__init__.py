"""How chapters hang together: which builds on which, and what its words mean.

Sphinx orders pages in a tree; it has no arrow from a chapter to those that it builds on, and links
a glossary's term only where an author marks it. Here front matter says the first, and is checked;
the first use of each term becomes a link by itself.
"""
