"""The reference of the library, and links to those of others.

autodoc2 reads no docstring in Google's style as MyST, shows no argument of a dataclass, and knows
no public name of what a package exports; it writes all pages at every build. Sphinx's intersphinx
asks the network at each build. Here are the parser, the renderer and the rules that do better.
"""
