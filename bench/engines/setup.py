"""Makes engines ready on demand: packages into .venv/peers, jars and classes into bench/data/peers. Each gives a reason, or None.

Nothing here fails: an engine that cannot be had is left out and named.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BUILT = ROOT / "bench" / "data" / "peers"
PYTHON = ROOT / ".venv" / "peers" / "bin" / "python"
REQUIREMENTS = HERE / "requirements.txt"
OPENED = ("java.base/java.lang", "java.base/java.time", "java.base/java.util")  # Flink's serializers look into them
HEAP = "-Xmx4g"
PATIENCE_S = 900  # for a download


def pinned(package: str) -> str:
    """The version that requirements.txt asks for."""
    found = next(line for line in REQUIREMENTS.read_text().splitlines() if line.startswith(f"{package}=="))
    return found.partition("==")[2]


@cache
def python_ready(package: str) -> str | None:
    """The package and what the serving side needs, in the peers' own environment."""
    if not PYTHON.exists():
        told = _told([sys.executable, "-m", "venv", str(PYTHON.parents[1])])
        if told:
            return f"no environment could be made: {told}"
    wanted = [f"{package}=={pinned(package)}", "orjson>=3.11", "pyarrow>=18"]
    told = _told([str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted])
    return f"pip install {wanted[0]}: {told}" if told else None


def python_command(script: str, *arguments: str) -> list[str]:
    return [str(PYTHON), str(HERE / script), *arguments]


@cache
def java_ready(engine: str) -> str | None:
    """Jars as bench/engines/ENGINE/pom.xml names them, and our programs compiled against them."""
    for tool in ("java", "javac", "mvn"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    pom, folder = HERE / engine / "pom.xml", BUILT / engine
    jars, classes = folder / "jars", folder / "classes"
    if _older(jars / ".done", [pom]):
        shutil.rmtree(jars, ignore_errors=True)
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={jars}"]
        told = _told(["mvn", "--quiet", "--batch-mode", "--file", str(pom), *goal])
        if told:
            return f"mvn: {told}"
        (jars / ".done").touch()
    sources = [*sorted((HERE / "java").glob("*.java")), *sorted((HERE / engine).glob("*.java"))]
    if _older(classes / ".done", [jars / ".done", *sources]):
        shutil.rmtree(classes, ignore_errors=True)
        classes.mkdir(parents=True)
        told = _told(["javac", "-nowarn", "-cp", f"{jars}/*", "-d", str(classes), *map(str, sources)])
        if told:
            return f"javac: {told}"
        (classes / ".done").touch()
    return None


def java_command(engine: str, program: str, *arguments: str) -> list[str]:
    opens = [word for package in OPENED for word in ("--add-opens", f"{package}=ALL-UNNAMED")]
    path = f"{BUILT / engine / 'classes'}:{BUILT / engine / 'jars'}/*"
    return ["java", *opens, HEAP, "-Xss8m", "-XX:+UseParallelGC", "-cp", path, f"bench.{program}", *arguments]


def _older(done: Path, than: list[Path]) -> bool:
    return not done.exists() or any(done.stat().st_mtime < one.stat().st_mtime for one in than)


def _told(command: list[str]) -> str | None:
    """None if it went well, else the last thing it said."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if not done.returncode:
        return None
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return said[-1].strip() if said else f"exit code {done.returncode}"
