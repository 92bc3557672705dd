"""Puts the locked packages into .venv, starting from nothing but a Python interpreter.

Standard library only, and readable by old Pythons, because it is what a newcomer's machine runs first. It finds or
fetches uv (pinned by version and digest), and lets uv install what uv.lock says. A second call costs a few
milliseconds: a stamp in .venv remembers what was installed.

    python3 tools/bootstrap.py          what the product needs to run
    python3 tools/bootstrap.py --dev    that, and what tests and checks need
    python3 tools/bootstrap.py --extra parquet    what the product needs, and an extra of pyproject.toml
"""

import hashlib
import os
import platform
import re
import shutil
import ssl
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
TOOLS = ROOT / ".venv-tools"
OLDEST_PYTHON = (3, 11)
UV_VERSION = "0.13.8"
# (system, machine, C library) -> wheel tag and its digest, as published by the package index.
UV_WHEELS = {
    ("Linux", "x86_64", "glibc"): (
        "manylinux_2_17_x86_64.manylinux2014_x86_64",
        "e18a57b8b352eb7c8feb317b9f6f533c8f0ad9673fd6cf34bbe3cf1a9f6a8984",
    ),
    ("Linux", "x86_64", "musl"): (
        "musllinux_1_1_x86_64",
        "29451c60f5e8b07403e0a175d5229efc36b0289b34143ff4aaa499a5dd52553a",
    ),
    ("Linux", "aarch64", "glibc"): (
        "manylinux_2_28_aarch64",
        "5337c30bb893b4f9ce0ceb921ba2da0d13f649da644f40ad3bef84083bef0203",
    ),
    ("Linux", "aarch64", "musl"): (
        "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64",
        "0b3e8b1a4f5e405e31e2ff33de8af4744831e9f7338539671efbd8c3c94e791d",
    ),
    ("Darwin", "arm64", ""): (
        "macosx_11_0_arm64",
        "62b6943c7fd64fac6854f780bea6e0359e5a5bc3241f83ee357bb38276afac49",
    ),
    ("Darwin", "x86_64", ""): (
        "macosx_10_12_x86_64",
        "b7124ca1956ec2e476a1003ea5715a15f0266afaec37f4dc9c6972ba8183e6d1",
    ),
}
CERTIFICATE_STORES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)
USUAL_INDEX = "https://pypi.org/simple"


class Stopped(Exception):
    """The installation cannot go on; the text is one line that says what to do."""


def main(arguments):
    """Install if the stamp says that something changed; the exit status is 0, or 1 with one line of advice."""
    with_dev = "--dev" in arguments
    extra = arguments[arguments.index("--extra") + 1] if "--extra" in arguments else ""
    try:
        python = find_python()
        stamp = VENV / (".installed-dev" if with_dev else ".installed-" + extra if extra else ".installed")
        state = wanted_state(python)
        if any(is_installed(VENV / name, state) for name in {stamp.name, ".installed-dev"}):
            return 0
        install(find_uv(), python, with_dev, extra)
        stamp.write_text(state)
    except Stopped as stopped:
        print("bootstrap: " + str(stopped), file=sys.stderr)
        return 1
    return 0


def is_installed(stamp, state):
    """Whether this stamp was written for exactly this lock file and interpreter, and .venv is still there."""
    return stamp.is_file() and stamp.read_text() == state and (VENV / "bin" / "python").exists()


def wanted_state(python):
    """A digest of everything that decides what .venv must hold."""
    digest = hashlib.sha256(python.encode())
    for name in ("uv.lock", "pyproject.toml", "tools/bootstrap.py"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def find_python():
    """The path of an interpreter that is new enough: this one, or another on the PATH."""
    if sys.version_info[:2] >= OLDEST_PYTHON:
        return sys.executable
    for minor in (14, 13, 12, 11):
        found = shutil.which("python3." + str(minor))
        if found:
            return found
    oldest = ".".join(str(part) for part in OLDEST_PYTHON)
    raise Stopped(
        "Python {} is too old, Carefund needs {} or newer: install one (apt-get install python3.11, or pyenv), "
        "then run make again with PYTHON=python3.11".format(platform.python_version(), oldest)
    )


def find_uv():
    """The path of a uv that runs: from the PATH, from an earlier fetch, or fetched now."""
    own = TOOLS / ("uv-" + UV_VERSION) / "uv"
    for candidate in (shutil.which("uv"), str(own)):
        if candidate and runs(candidate):
            return candidate
    print("bootstrap: fetching uv {} into {}".format(UV_VERSION, TOOLS.name), flush=True)
    wheel_tag, digest = wheel_of_this_machine()
    filename = "uv-{}-py3-none-{}.whl".format(UV_VERSION, wheel_tag)
    TOOLS.mkdir(exist_ok=True)
    wheel = TOOLS / filename
    wheel.write_bytes(fetch_wheel(filename))
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != digest:
        wheel.unlink()
        raise Stopped("what the package index sent as uv is not what was published; nothing was run, try again")
    with zipfile.ZipFile(wheel) as archive:
        member = next(name for name in archive.namelist() if name.endswith("/scripts/uv"))
        own.parent.mkdir(exist_ok=True)
        own.write_bytes(archive.read(member))
    own.chmod(0o755)
    wheel.unlink()
    return str(own)


def runs(uv):
    """Whether this uv starts at all: a shim of a version manager may lead nowhere."""
    try:
        return subprocess.run([uv, "--version"], capture_output=True, timeout=30).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def wheel_of_this_machine():
    """The wheel tag and digest for this operating system, processor and C library."""
    system = platform.system()
    library = ""
    if system == "Linux":
        library = "glibc" if platform.libc_ver()[0] == "glibc" else "musl"
    key = (system, platform.machine(), library)
    if key not in UV_WHEELS:
        raise Stopped("no prepared uv for {} {}: install uv by hand (docs.astral.sh/uv), then try again".format(*key))
    return UV_WHEELS[key]


def fetch_wheel(filename):
    """The bytes of one file of the project «uv» on the configured package index (PEP 503 page)."""
    page_address = package_index().rstrip("/") + "/uv/"
    page = fetch(page_address).decode()
    found = re.search(r'href="([^"]*{})[#"]'.format(re.escape(filename)), page)
    if not found:
        raise Stopped("the package index does not offer {}: install uv by hand, then try again".format(filename))
    return fetch(urllib.parse.urljoin(page_address, found.group(1)))


def fetch(address):
    """The body at an address; a missing certificate store is passed over, because the digest is what is trusted."""
    certificates = os.environ.get("SSL_CERT_FILE") or os.environ.get("PIP_CERT")
    usable = bool(certificates) and Path(certificates).is_file()
    context = ssl.create_default_context(cafile=certificates if usable else None)
    try:
        return read(address, context)
    except urllib.error.URLError as failure:
        if not isinstance(failure.reason, ssl.SSLCertVerificationError):
            reason = type(failure.reason).__name__
            raise Stopped("the package index cannot be reached ({}): check PIP_INDEX_URL".format(reason)) from None
    try:
        return read(address, ssl._create_unverified_context())
    except OSError as failure:
        raise Stopped("the package index cannot be reached ({})".format(type(failure).__name__)) from None


def read(address, context):
    """One GET."""
    with urllib.request.urlopen(address, context=context, timeout=120) as answer:
        return answer.read()


def package_index():
    """The index that this machine's owner configured, or the usual one."""
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        if os.environ.get(name):
            return os.environ[name]
    asked = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.index-url"], capture_output=True, text=True
    )
    return asked.stdout.strip() or USUAL_INDEX


def make_environment(folder, packages):
    """Make an environment of its own at a folder, with these packages in their newest versions. Raises Stopped."""
    uv, environment = find_uv(), uv_environment(sys.executable)
    run([uv, "venv", "-q", "--python", sys.executable, str(folder)], environment)
    if packages:
        index = ["--python", str(folder / "bin" / "python"), "--default-index", package_index()]
        run([uv, "pip", "install", "-q", *index, *packages], environment)


def uv_environment(python):
    """What uv has to know of this machine."""
    environment = dict(os.environ, UV_PYTHON=python, UV_PYTHON_DOWNLOADS="never", UV_PROJECT_ENVIRONMENT=str(VENV))
    environment.pop("VIRTUAL_ENV", None)
    if not environment.get("SSL_CERT_FILE") and environment.get("PIP_CERT"):
        environment["SSL_CERT_FILE"] = environment["PIP_CERT"]
    if any(Path(store).exists() for store in CERTIFICATE_STORES):  # they may hold an office's own authority
        environment.setdefault("UV_SYSTEM_CERTS", "true")
    return environment


def install(uv, python, with_dev, extra=""):
    """Make .venv hold what the lock file says; with an index of one's own, the same versions and digests from there."""
    environment = uv_environment(python)
    groups = ([] if with_dev else ["--no-dev"]) + (["--extra", extra] if extra else [])
    if package_index().rstrip("/") == USUAL_INDEX:
        run([uv, "sync", "--frozen", "--inexact", *groups], environment)
        return
    # The lock file names the usual index's own addresses, so another index needs the list without them.
    TOOLS.mkdir(exist_ok=True)
    listing = TOOLS / "requirements.txt"
    run([uv, "export", "--quiet", "--frozen", "--no-emit-project", "-o", str(listing), *groups], environment)
    if not (VENV / "bin" / "python").exists():
        run([uv, "venv", "--python", python, str(VENV)], environment)
    own_index = ["--python", str(VENV / "bin" / "python"), "--default-index", package_index()]
    run([uv, "pip", "install", "--require-hashes", "-r", str(listing), *own_index], environment)
    run([uv, "pip", "install", "--no-deps", "-e", str(ROOT), *own_index], environment)


def run(command, environment):
    """One uv command; its own output explains a failure, ours says where to look."""
    if subprocess.run(command, env=environment, cwd=str(ROOT)).returncode:
        raise Stopped("the packages could not be installed: see the lines above (network, disk, or package index)")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
