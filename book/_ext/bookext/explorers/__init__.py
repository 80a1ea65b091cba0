"""Explorers: pictures with controls.

Neither Sphinx nor the theme has any; thebe and widgets need a kernel or another host. Here a
directive places one, with a figure that the library draws for where no script runs; each kind is
a module that says its title, its options and its figure. `links` has the tours and the links that
set an explorer; `*.d.ts` say what its scripts offer one another.
"""
