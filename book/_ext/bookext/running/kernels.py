"""Kernels that have imported everything before they start.

Every page imports torch and matplotlib, which takes seconds for each. Here one process
imports them once, and each kernel is a fork of it, with its own environment, folder and session. It
imports none of this project's code. Outside Linux, and for any other kernel than IPython's, kernels
start as ever.

Of a clean build on two processors, the pages' own time went from 386 to 255 seconds by it.
The forkserver of `multiprocessing` takes as many lines and is no quicker: of three pages, 8.3
seconds of processor time against 6.5 to 7.5. And it tells no one when a new process has left the
build's group: jupyter-client, which ends a kernel by its group, ended the build.
"""

import atexit
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any, NoReturn

import psutil

HEAVY = [
    "ipykernel.debugger", "ipykernel.kernelapp", "matplotlib.backends.backend_svg",
    "matplotlib.figure", "myst_nb", "pandas", "safetensors.torch", "scipy.stats", "torch",
    "torchvision",
]  # fmt: skip
SETTINGS = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(1 << 40),
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}
"""With the first two, glibc keeps what a tensor leaves behind for the next one.

By default it gives large pieces back to the system, which fills them with zeros, page by page,
when they are asked for again. Of seven long pages, processor time went from 59 to 46 seconds by it.
The last spares the build a warning of the debugger's.
"""
LAUNCHER = "ipykernel_launcher"


class ForkedKernel(psutil.Process):  # type: ignore[misc]  # psutil has no types
    """A process that is not our child, with what jupyter-client asks of a `Popen` besides."""

    stdin = stdout = stderr = None

    def poll(self) -> int | None:
        """None while it runs, then 0: the true status is its parent's to know."""
        with suppress(psutil.NoSuchProcess):
            if self.status() != psutil.STATUS_ZOMBIE:
                return None
        return 0

    def send_signal(self, sig: int) -> None:
        """Send a signal to this process alone, if it still runs."""
        with suppress(psutil.NoSuchProcess):
            super().send_signal(sig)


@contextmanager
def forked_kernels() -> Iterator[None]:
    """Have jupyter-client fork its kernels meanwhile."""
    from jupyter_client.provisioning import local_provisioner

    module: Any = local_provisioner
    if sys.platform != "linux":
        yield
        return
    launch_otherwise = module.launch_kernel
    server = subprocess.Popen(
        [sys.executable, __file__], env=os.environ | SETTINGS,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    asking = Lock()

    def launch(cmd: list[str], *, env: Any = None, cwd: Any = None, **rest: Any) -> Any:
        """Do what `jupyter_client.launcher.launch_kernel` does."""
        if cmd[0] != sys.executable or LAUNCHER not in cmd:
            return launch_otherwise(cmd, env=env, cwd=cwd, **rest)
        order = {
            "arguments": cmd[cmd.index(LAUNCHER) :],
            "environment": dict(os.environ if env is None else env),
            "folder": os.fspath(cwd or Path.cwd()),
        }
        assert server.stdin is not None
        assert server.stdout is not None
        with asking:
            with suppress(BrokenPipeError):  # then no answer comes either
                print(json.dumps(order), file=server.stdin, flush=True)
            number = server.stdout.readline()
        if not number:
            raise RuntimeError("the process that forks kernels has died; its last words are above")
        return ForkedKernel(int(number))

    module.launch_kernel = launch
    try:
        yield
    finally:
        module.launch_kernel = launch_otherwise
        with suppress(BrokenPipeError):
            server.communicate()  # the end of its input ends it, and with it its kernels


def serve() -> None:
    """Fork a kernel for each line of the input, until its end; each tells its number."""
    del sys.path[0]  # the folder of this file
    for name in HEAVY:
        with suppress(ImportError):  # the page that needs it will say so
            importlib.import_module(name)
    gc.freeze()  # a kernel's collector need not walk through all this
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is for the build
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody here waits for a kernel
    for line in sys.stdin:
        if not os.fork():
            become_kernel(**json.loads(line))
    os._exit(0)  # what is frozen would count as leaked, and be listed in the build's log


def become_kernel(arguments: list[str], environment: dict[str, str], folder: str) -> NoReturn:
    """Be what `python -m ipykernel_launcher` is in a new process."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    print(os.getpid(), flush=True)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    # The kernel ends when its parent does, which ends with the build.
    sys.argv = [*arguments, f"--IPKernelApp.parent_handle={os.getppid()}"]
    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()
    atexit._run_exitfuncs()
    os._exit(0)  # taking torch apart, piece by piece, takes seconds


if __name__ == "__main__":
    serve()
