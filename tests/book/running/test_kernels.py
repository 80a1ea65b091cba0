"""Kernels that are forks of one process."""

import os
import subprocess
import sys

import psutil
import pytest
from jupyter_client.launcher import launch_kernel
from jupyter_client.manager import KernelManager
from jupyter_client.provisioning import local_provisioner

from bookext.running.kernels import HEAVY, forked_kernels

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux")


@pytest.fixture(scope="module")
def forked():
    with forked_kernels():
        yield
    assert local_provisioner.launch_kernel is launch_kernel


@pytest.fixture
def start(forked):
    """Starts a kernel as jupyter-client would, and gives its manager and a client."""
    managers = []

    def start(**settings):
        manager = KernelManager(kernel_name="python3")
        managers.append(manager)
        manager.start_kernel(**settings)
        client = manager.blocking_client()
        client.start_channels()
        client.wait_for_ready(timeout=60)
        return manager, client

    yield start
    for manager in managers:
        manager.shutdown_kernel(now=True)


def value(client, expression):
    """What an expression is in a kernel, as text."""
    answer = client.execute("", user_expressions={"it": expression}, reply=True, timeout=60)
    found = answer["content"]["user_expressions"]["it"]
    assert found["status"] == "ok", found
    return found["data"]["text/plain"]


def test_a_kernel_has_what_is_slow_to_import_and_nothing_of_this_project(start):
    _, client = start()
    assert value(client, f"[m for m in {HEAVY} if m not in __import__('sys').modules]") == "[]"
    ours = "[m for m in __import__('sys').modules if m.startswith(('cnnref', 'bookext'))]"
    assert value(client, ours) == "[]"


def test_a_kernel_is_what_a_new_process_would_be(start, tmp_path):
    env = os.environ | {"CNNREF_TEST": "here"}
    _, forked = start(env=env, cwd=str(tmp_path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_provisioner, "launch_kernel", launch_kernel)
        _, new = start(env=env, cwd=str(tmp_path))
    for fact in (
        "__import__('os').getcwd()",
        "__import__('os').environ['CNNREF_TEST']",
        "__import__('sys').path",
        "__import__('sys').executable",
        "__import__('os').getpid() == __import__('os').getsid(0)",
        "__import__('signal').getsignal(__import__('signal').SIGCHLD)",
        "__import__('torch').get_num_threads()",
        "__name__",
    ):
        assert value(forked, fact) == value(new, fact), fact


def test_kernels_know_nothing_of_each_other(start):
    (_, one), (_, other) = start(), start()
    one.execute("import json; json.mark = 1", reply=True, timeout=60)
    assert value(one, "json.mark") == "1"
    assert value(other, "hasattr(__import__('json'), 'mark')") == "False"
    _, later = start()
    assert value(later, "hasattr(__import__('json'), 'mark')") == "False"


def test_a_kernel_is_interrupted_shut_down_and_killed(start):
    manager, client = start()
    manager.interrupt_kernel()
    assert value(client, "6 * 7") == "42"
    assert manager.is_alive()
    manager.shutdown_kernel()
    assert not manager.is_alive()

    manager, _ = start()
    process = manager.provisioner.process
    with pytest.raises(psutil.TimeoutExpired):
        process.wait(0.01)
    process.kill()
    process.wait(10)
    assert not manager.is_alive()
    process.send_signal(9)  # of which nobody is told


def test_kernels_end_with_the_process_that_forks_them(start):
    with forked_kernels():
        manager, _ = start()
    manager.provisioner.process.wait(10)
    assert not manager.is_alive()


def test_a_server_that_died_is_named(start):
    with forked_kernels():
        start()
        server = max(psutil.Process().children(), key=psutil.Process.create_time)
        server.kill()
        server.wait(10)
        with pytest.raises(RuntimeError, match="the process that forks kernels has died"):
            start()


def test_any_other_kernel_starts_as_ever(forked):
    process = local_provisioner.launch_kernel(
        [sys.executable, "-c", "print(6 * 7)"], stdout=subprocess.PIPE
    )
    assert process.stdout.read() == b"42\n"
    assert process.wait(60) == 0
    process.stdout.close()
