"""A release: the packages, a list of what they bring along, checksums and a signature, made from the last commit.

    python tools/release.py --rehearse       all of it, signed with a key that is thrown away afterwards
    python tools/release.py --key FILE       for the world: FILE is the SSH key of somebody in .github/allowed_signers

Whoever has the same commit gets the same bytes, signature aside. docs/releasing.md says what comes before and after.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bootstrap import find_uv, package_index, uv_environment

ROOT = Path(__file__).resolve().parent.parent
SIGNERS = ROOT / ".github" / "allowed_signers"
# Whom a signature names, and what for: ssh-keygen asks for both when somebody checks a download.
IDENTITY, NAMESPACE = "releases@carefund", "carefund-release"
SUMS = "SHA256SUMS"
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)


class Stopped(Exception):
    """The release cannot be made; the text says why and what to do."""


def main() -> int:
    """Make the release; the exit status is 0, or 1 with one line of advice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    key = parser.add_mutually_exclusive_group(required=True)
    key.add_argument("--rehearse", action="store_true", help="sign with a key that is thrown away")
    key.add_argument("--key", type=Path, help="the SSH key to sign with")
    parser.add_argument("--into", type=Path, default=ROOT / "dist", help="folder to fill (dist)")
    options = parser.parse_args()
    try:
        version = make_release(options.into.resolve(), options.key)
    except Stopped as stopped:
        print(f"release: {stopped}", file=sys.stderr)
        return 1
    if options.key:
        print(f"next: git tag --sign v{version} && git push origin v{version}, then publish {options.into}")
    return 0


def make_release(folder: Path, key: Path | None) -> str:
    """Fill the folder and return the version; without a key it is a rehearsal. Raises Stopped."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    if key:
        changelog = (ROOT / "CHANGELOG.md").read_text()
        faults = find_faults(version, changelog, output("git", "status", "--porcelain"), output("git", "tag").split())
        if faults:
            raise Stopped("; ".join(faults))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    made_at = datetime.fromtimestamp(int(output("git", "log", "-1", "--format=%ct")), UTC)
    with tempfile.TemporaryDirectory() as place:
        source = Path(place) / "source"
        export_commit(source)
        build_packages(source, folder, made_at)
        write_contents(source, folder / f"carefund-{version}.cdx.json", made_at)
        write_sums(folder)
        if key:
            sign(folder, key, SIGNERS)
        else:
            key, signers = throwaway_key(Path(place))
            sign(folder, key, signers)
            shutil.copy(signers, folder)
    for name in sorted(path.name for path in folder.iterdir()):
        print(f"made {name}")
    return version


def find_faults(version: str, changelog: str, changed_files: str, tags: Sequence[str]) -> list[str]:
    """Return what keeps this tree from being released as this version, each with what to do."""
    headings = list(_HEADING.finditer(changelog))
    unreleased = next((heading for heading in headings if heading[1] == "Unreleased"), None)
    faults = []
    if changed_files:
        faults.append("files differ from the last commit: commit them or put them back")
    if not any(re.fullmatch(rf"{re.escape(version)} - \d{{4}}-\d\d-\d\d", heading[1]) for heading in headings):
        faults.append(f"CHANGELOG.md has no heading for {version} with its date: add it")
    if unreleased:
        after = next((heading.start() for heading in headings if heading.start() > unreleased.start()), len(changelog))
        if changelog[unreleased.end() : after].strip():
            faults.append("CHANGELOG.md has changes under Unreleased: move them to the version, and raise the version")
    if f"v{version}" in tags:
        faults.append(f"v{version} is released already: raise the version in pyproject.toml")
    return faults


def output(*command: str) -> str:
    """What a command of this tree prints. Raises Stopped."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise Stopped(f"{' '.join(command[:2])} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def export_commit(folder: Path) -> None:
    """Write the files of the last commit, and nothing that lies about beside them."""
    archive = folder.with_suffix(".tar")
    output("git", "archive", "--format=tar", f"--output={archive}", "HEAD")
    shutil.unpack_archive(archive, folder)


def build_packages(source: Path, folder: Path, made_at: datetime) -> None:
    """Build the wheel and the source package. Raises Stopped."""
    uv, environment = find_uv(), uv_environment(sys.executable)
    environment["SOURCE_DATE_EPOCH"] = str(int(made_at.timestamp()))
    command = [uv, "build", "-q", "--default-index", package_index(), "--out-dir", str(folder), str(source)]
    if subprocess.run(command, env=environment, cwd=source).returncode:
        raise Stopped("the packages could not be built: see the lines above (network, disk, or package index)")
    (folder / ".gitignore").unlink(missing_ok=True)


def write_contents(source: Path, path: Path, made_at: datetime) -> None:
    """Write the software bill of materials: each package that Carefund brings along, as CycloneDX."""
    command = [find_uv(), "export", "-q", "--preview-features", "sbom-export", "--format", "cyclonedx1.5"]
    command += ["--frozen", "--no-dev", "--all-extras", "--project", str(source)]
    done = subprocess.run(command, env=uv_environment(sys.executable), cwd=source, capture_output=True, text=True)
    if done.returncode:
        raise Stopped(f"the list of packages could not be made: {done.stderr.strip()}")
    contents = json.loads(done.stdout)
    packages = json.dumps(contents["components"], sort_keys=True)
    contents["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, packages)}"  # uv's are random and of now
    contents["metadata"]["timestamp"] = made_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    path.write_text(json.dumps(contents, indent=1) + "\n")


def write_sums(folder: Path) -> None:
    """Write the SHA-256 of each file, as sha256sum checks them."""
    files = sorted(folder.iterdir())
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (folder / SUMS).write_text("".join(lines))


def throwaway_key(folder: Path) -> tuple[Path, Path]:
    """Make a key for a rehearsal; return it, and the file of allowed signers that names it."""
    key, signers = folder / "key", folder / "allowed_signers"
    keygen("-q", "-t", "ed25519", "-N", "", "-C", "rehearsal", "-f", str(key))
    signers.write_text(f'{IDENTITY} namespaces="{NAMESPACE}" {key.with_suffix(".pub").read_text()}')
    return key, signers


def sign(folder: Path, key: Path, signers: Path) -> None:
    """Sign the checksums, and check the signature as somebody who downloads it does. Raises Stopped."""
    sums, signature = folder / SUMS, folder / f"{SUMS}.sig"
    keygen("-q", "-Y", "sign", "-f", str(key), "-n", NAMESPACE, str(sums))
    checking = ["-Y", "verify", "-f", str(signers), "-I", IDENTITY, "-n", NAMESPACE, "-s", str(signature)]
    try:
        keygen(*checking, given=sums.read_bytes())
    except Stopped as stopped:
        raise Stopped(f"{signers.name} does not name this key: add its line, commit, try again ({stopped})") from None


def keygen(*arguments: str, given: bytes = b"") -> None:
    """Call ssh-keygen. Raises Stopped."""
    program = shutil.which("ssh-keygen")
    if not program:
        raise Stopped("ssh-keygen is missing: install openssh-client")
    done = subprocess.run([program, *arguments], input=given, capture_output=True, env=dict(os.environ))
    if done.returncode:
        raise Stopped(f"ssh-keygen: {(done.stderr or done.stdout).decode(errors='replace').strip()}")


if __name__ == "__main__":
    sys.exit(main())
