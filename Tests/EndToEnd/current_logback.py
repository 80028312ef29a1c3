"""Logback as applications have it today; Debian's is of 2022.

No package of Debian's has a newer one. A wheel on PyPI does: a solver in Java that brings its libraries along. It is
fetched once, checked, and only Logback's jars are kept, in a cache of the user's that outlives clean checkouts.
"""
import functools
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

VERSION = "1.5.18"
WHEEL = "timefold==1.24.0b0 --hash=sha256:e2dde8630e62f5b3718efda2c0b1e88bd2a7e015b82bfcfdd7a4ae72ad87f1e7"
NAMES = [f"logback-classic-{VERSION}.jar", f"logback-core-{VERSION}.jar", "slf4j-api-2.0.6.jar"]
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "cordwood-tests"
# 22 MB, on a line that others use, too.
SECONDS = 300


@functools.cache
def jars():
    """Logback's jars and SLF4J's. A test that needs them is skipped where they cannot be had."""
    if not shutil.which("javac"):
        raise unittest.SkipTest("needs a JDK, which Samples/install installs for tests")
    folder = CACHE / f"logback-{VERSION}"
    if not folder.exists():
        fetch(folder)
    return [folder / name for name in NAMES]


def fetch(folder):
    """Another run may do the same meanwhile: what is there under the name is whole."""
    CACHE.mkdir(parents=True, exist_ok=True)
    fresh = pathlib.Path(tempfile.mkdtemp(dir=CACHE))
    try:
        # pip compares the hash itself, and runs nothing of a wheel that it only downloads.
        (fresh / "wanted.txt").write_text(WHEEL)
        try:
            run = subprocess.run(
                [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
                 "--require-hashes", "--dest", fresh, "--requirement", fresh / "wanted.txt"],
                capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            raise unittest.SkipTest(f"needs Logback {VERSION}, which PyPI did not give within {SECONDS} s")
        if run.returncode != 0:
            raise unittest.SkipTest(f"needs Logback {VERSION}, which pip could not fetch: {run.stderr.strip()[-500:]}")
        kept = fresh / "jars"
        kept.mkdir()
        with zipfile.ZipFile(next(fresh.glob("*.whl"))) as wheel:
            for name in wheel.namelist():
                if pathlib.PurePosixPath(name).name in NAMES:
                    (kept / pathlib.PurePosixPath(name).name).write_bytes(wheel.read(name))
        assert sorted(p.name for p in kept.iterdir()) == NAMES, f"the wheel has only {list(kept.iterdir())}"
        try:
            kept.rename(folder)
        except OSError:
            if not folder.exists():
                raise
    finally:
        shutil.rmtree(fresh)
