"""A real Spark standalone cluster on loopback: one master and two workers, started and ended by the test.

`with standalone_cluster(folder) as master:` gives the master's URL. Nothing listens beyond 127.0.0.1. The processes are
ended by their ids: `spark-class` becomes the Java process, so the id of the child is the one to end.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

LOOPBACK = "127.0.0.1"
START_SECONDS = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _process(folder: Path, name: str, *arguments: str) -> Iterator[Path]:
    import pyspark

    home = Path(pyspark.__file__).parent
    log = folder / f"{name}.log"
    environment = {
        **os.environ,
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": LOOPBACK,
        "SPARK_WORKER_DIR": str(folder / name),
        "SPARK_LOCAL_DIRS": str(folder / f"{name}-local"),
        "SPARK_NO_DAEMONIZE": "1",
        "SPARK_DAEMON_MEMORY": "512m",
    }
    with log.open("wb") as sink:
        command = [str(home / "bin" / "spark-class"), *arguments]
        process = subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT, env=environment, cwd=folder)
    try:
        yield log
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


def _wait(log: Path, text: str, count: int = 1) -> None:
    deadline = time.monotonic() + START_SECONDS
    while log.read_text("utf-8", "replace").count(text) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {text!r} within {START_SECONDS} s:\n{log.read_text('utf-8', 'replace')[-2000:]}")
        time.sleep(0.2)


@contextmanager
def standalone_cluster(folder: Path, *, workers: int = 2, memory: str = "1g") -> Iterator[str]:
    """Start a master and workers of one core each; yield the URL; end them all."""
    assert shutil.which("java"), "Spark needs Java 17"
    port = free_port()
    url = f"spark://{LOOPBACK}:{port}"
    master = "org.apache.spark.deploy.master.Master"
    worker = "org.apache.spark.deploy.worker.Worker"
    with ExitStack() as stack:
        options = ("--host", LOOPBACK, "--port", str(port), "--webui-port", str(free_port()))
        log = stack.enter_context(_process(folder, "master", master, *options))
        _wait(log, "I have been elected leader")
        for number in range(workers):
            options = ("--host", LOOPBACK, "-c", "1", "-m", memory, "--webui-port", str(free_port()), url)
            stack.enter_context(_process(folder, f"worker{number}", worker, *options))
        _wait(log, "Registering worker", workers)
        yield url
