"""Kernels that have imported everything before they start.

Every page imports torch and matplotlib, which takes seconds for each. Here one process
imports them once, and each kernel is a fork of it, with its own environment, folder and session. It
imports none of this project's code. Where there is no `pidfd` (outside Linux), and for any other
kernel than IPython's, kernels start as ever.

Of a clean build on two processors, the pages' own time went from 386 to 255 seconds by it.
"""

import atexit
import gc
import importlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any, NoReturn

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


class ForkedKernel:
    """A process that is not our child, with what jupyter-client asks of a `Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._handle = os.pidfd_open(pid)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end. The status is its parent's to know, and always 0 here."""
        if not select.select([self._handle], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("kernel", timeout or 0)
        return 0

    def poll(self) -> int | None:
        """Its status, or none while it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def send_signal(self, number: int) -> None:
        """Send a signal to this process alone."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def __del__(self) -> None:
        os.close(self._handle)


class ForkServer:
    """Launches kernels as `jupyter_client.launcher.launch_kernel` does."""

    def __init__(self, launch_otherwise: Any) -> None:
        self._otherwise = launch_otherwise
        self._asking = Lock()
        self._process: subprocess.Popen[str] | None = None

    def __call__(self, cmd: list[str], *, env: Any = None, cwd: Any = None, **rest: Any) -> Any:
        """Fork a kernel, or start it anew if it is not IPython's in this Python."""
        if cmd[0] != sys.executable or LAUNCHER not in cmd:
            return self._otherwise(cmd, env=env, cwd=cwd, **rest)
        order = {
            "arguments": cmd[cmd.index(LAUNCHER) :],
            "environment": dict(os.environ if env is None else env),
            "folder": os.fspath(cwd or Path.cwd()),
        }
        with self._asking:
            process = self.start()
            assert process.stdin is not None
            assert process.stdout is not None
            with suppress(BrokenPipeError):  # then no answer comes either
                print(json.dumps(order), file=process.stdin, flush=True)
            number = process.stdout.readline()
        if not number:
            raise RuntimeError("the process that forks kernels has died; its last words are above")
        return ForkedKernel(int(number))

    def start(self) -> subprocess.Popen[str]:
        """The process that forks; if there is none yet, it begins to import everything."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, __file__], env=os.environ | SETTINGS,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
        return self._process

    def close(self) -> None:
        """End the process that forks, and with it its kernels."""
        if self._process is not None:
            with suppress(BrokenPipeError):
                self._process.communicate()


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


@contextmanager
def forked_kernels(*, at_once: bool = False) -> Iterator[None]:
    """Have jupyter-client fork its kernels meanwhile, where that is possible.

    Args:
        at_once: begin to import now, and not when the first kernel is asked for.
    """
    from jupyter_client.provisioning import local_provisioner

    module: Any = local_provisioner
    if not hasattr(os, "pidfd_open"):
        yield
        return
    launch = module.launch_kernel
    server = module.launch_kernel = ForkServer(launch)
    try:
        if at_once:
            server.start()
        yield
    finally:
        module.launch_kernel = launch
        server.close()


if __name__ == "__main__":
    serve()
