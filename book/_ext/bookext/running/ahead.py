"""Pages run side by side, while others are read.

Sphinx reads one page after another, and MyST-NB runs each while it is read, so all processors but
one would wait. Here the pages that the cache does not know yet run beside Sphinx, several at a
time, while it reads those without cells; before a page is read, it waits for its outputs and puts
them into the cache, where MyST-NB finds them. A page that fails is left to MyST-NB, which runs it
again and reports it as ever.

Reading takes 22 seconds of processor time. With two processors, both are at work while cells run,
so about half of that is saved: worked out, not timed alone.
"""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from myst_nb.core.read import create_nb_reader
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

from .kernels import forked_kernels

logger = logging.getLogger(__name__)

MOST = 4
"""Pages at a time: each is a process with torch in it, about a gigabyte."""

MANY = 5
"""Pages that repay the process that forks their kernels: it takes seconds to import everything."""


class Ahead:
    """The pages of a build that run before they are read."""

    def __init__(self) -> None:
        self._running = ExitStack()
        self._results: dict[str, tuple[Future[Any], Any]] = {}

    def warm_up(self, app: Sphinx, config: Config) -> None:
        """In a build from clean, have imports begin while Sphinx goes through the docstrings."""
        clean = not Path(config.nb_execution_cache_path).exists()
        pages = [*Path(app.srcdir, "book").glob("*.md")]
        if config.nb_execution_mode == "cache" and clean and len(pages) >= MANY:
            self._running.enter_context(forked_kernels())

    def begin(self, app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
        """Run the pages that are about to be read and that the cache does not know."""
        config = app.config
        if config.nb_execution_mode != "cache":
            return
        cache = get_cache(config.nb_execution_cache_path)
        waiting = {}
        for docname in docnames:
            notebook, read_format = read_notebook(env, env.doc2path(docname))
            if notebook is not None and not known(cache, notebook):
                waiting[docname] = notebook, read_format
        workers = min(len(waiting), os.cpu_count() or 1, MOST)
        if workers < 2:
            return
        logger.info("running %d pages, %d at a time...", len(waiting), workers)
        pool = ThreadPoolExecutor(workers)
        self._running.callback(pool.shutdown, cancel_futures=True)
        for docname, (notebook, read_format) in waiting.items():
            result = pool.submit(
                single_nb_execution,
                notebook,
                cwd=str(Path(env.doc2path(docname)).parent),
                timeout=config.nb_execution_timeout,
                allow_errors=config.nb_execution_allow_errors,
            )
            self._results[docname] = result, read_format
        docnames.sort(key=waiting.__contains__)  # those that run are read last

    def wait_for(self, app: Sphinx, docname: str, _source: list[str]) -> None:
        """Have the outputs of a page in the cache before it is read."""
        if docname not in self._results:
            return
        running, read_format = self._results.pop(docname)
        result = running.result()
        if result.err is None:
            cache = get_cache(app.config.nb_execution_cache_path)
            record = cache.add_nb_to_project(app.env.doc2path(docname), read_data=read_format)
            bundle = CacheBundleIn(result.nb, record.uri, data={"execution_seconds": result.time})
            cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)

    def end(self, _app: Sphinx, _: Any) -> None:
        """All pages are read, or reading has failed: end the kernels."""
        self._running.close()


def read_notebook(env: BuildEnvironment, path: str) -> tuple[Any, Any]:
    """A page as MyST-NB will read it, and its format; nothing, where it has no cells."""
    text = Path(path).read_text(encoding="utf-8")
    settings: Any = env
    reader = create_nb_reader(path, settings.myst_config, settings.mystnb_config, text)
    if reader is None:
        return None, None
    notebook = reader.read(text)
    has_cells = any(cell.cell_type == "code" for cell in notebook.cells)
    return (notebook if has_cells else None), reader.read_fmt


def known(cache: Any, notebook: Any) -> bool:
    """Whether the cache holds the outputs of these cells."""
    try:
        cache.match_cache_notebook(notebook)
    except KeyError:
        return False
    return True


def setup(app: Sphinx) -> None:
    """Run once it is known which pages will be read."""
    app.setup_extension("bookext.running.execution")
    ahead = Ahead()
    app.connect("config-inited", ahead.warm_up)
    app.connect("env-before-read-docs", ahead.begin)
    app.connect("source-read", ahead.wait_for)
    app.connect("env-updated", ahead.end)
    app.connect("build-finished", ahead.end)
