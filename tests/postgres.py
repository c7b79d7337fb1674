"""A PostgreSQL server for tests: real, its own, gone with the session.

It sorts text as people in the United States do, not by code point: what a test says about
order holds because of the schema, not because of the server.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg

USER = "postgres"
PATIENCE = 60.0
_INSTALLED = Path("/usr/lib/postgresql")
# What was committed outlives the server, though not a power cut.
_FAST = ("fsync=off", "full_page_writes=off", "max_connections=60")


class PostgreSQL:
    """A cluster in a directory of its own, on 127.0.0.1 and a socket of its own."""

    def __init__(self) -> None:
        self.programs = _programs()
        self.directory = Path(tempfile.mkdtemp(prefix="tollbar-postgres-"))
        self.data = self.directory / "data"
        self.log = self.directory / "log"
        self.port = 0
        self._server: subprocess.Popen[bytes] | None = None
        self._made = 0
        try:
            if os.geteuid() == 0:
                account = pwd.getpwnam(USER)
                os.chown(self.directory, account.pw_uid, account.pw_gid)
            self._run("initdb", "--no-sync", "--auth=trust", "--encoding=UTF8", *_locale())
            self.start()
        except BaseException:
            self.close()
            raise

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def create(self, template: str = "template0") -> str:
        """The name of a new database, a copy of ``template``."""
        self._made += 1
        name = f"test{self._made}"
        # Without fsync it is cheaper to copy files than to write them to a log.
        how = "STRATEGY FILE_COPY" if int(self.programs.parent.name) >= 15 else ""
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} {how}")
        return name

    def drop(self, database: str) -> None:
        self.run(f"DROP DATABASE {database} WITH (FORCE)")

    def run(self, sql: str, database: str = "postgres") -> list[tuple[object, ...]]:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def start(self) -> None:
        """Start the server, again on the port it had, and wait until it answers."""
        port = self.port or _free_port()
        settings = [f"port={port}", "listen_addresses=127.0.0.1", *_FAST]
        settings.append(f"unix_socket_directories={self.directory}")
        command = [str(self.programs / "postgres"), "-D", str(self.data)]
        for setting in settings:
            command += ["-c", setting]
        with self.log.open("ab") as log:
            self._server = subprocess.Popen(
                _as_owner(command), stdout=log, stderr=log, cwd=self.directory
            )
        self.port = port
        self._wait()

    def stop(self) -> None:
        """Stop the server at once: whoever is connected is cut off. The data stays."""
        server = self._server
        if server is not None:
            server.send_signal(signal.SIGQUIT)
            server.wait(PATIENCE)
            self._server = None

    def close(self) -> None:
        """Stop the server and delete its data."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _wait(self) -> None:
        server = self._server
        assert server is not None
        until = time.monotonic() + PATIENCE
        while True:
            try:
                self.run("SELECT 1")
                return
            except psycopg.OperationalError:
                if server.poll() is not None or time.monotonic() > until:
                    raise AssertionError(self.log.read_text()) from None
                time.sleep(0.05)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.programs / program), "-D", str(self.data), *arguments]
        subprocess.run(_as_owner(command), check=True, capture_output=True, cwd=self.directory)


def _programs() -> Path:
    found = sorted(_INSTALLED.glob("*/bin/initdb"), key=lambda p: float(p.parts[-3]))
    assert found, f"no PostgreSQL under {_INSTALLED}: install Debian's package postgresql"
    return found[-1].parent


def _as_owner(command: Sequence[str]) -> list[str]:
    """The server refuses to run as root, and is to go with whoever started it."""
    prefix = ["setpriv", "--pdeathsig", "QUIT"]
    if os.geteuid() == 0:
        prefix += ["--reuid", USER, "--regid", USER, "--init-groups"]
    return [*prefix, *command]


def _locale() -> list[str]:
    known = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=True).stdout
    if "en_US.utf8" in known.split():
        return ["--locale=en_US.UTF-8"]
    return ["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
