"""The file that the encryption keys stand in, where Carefund may write it: one of keys, or the environment file."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

_LINE = re.compile(r"^\s*(?:export\s+)?CAREFUND_ENCRYPTION_KEYS\s*=.*$", re.MULTILINE)


def write_keys(file: Path, keys: Sequence[str], *, is_environment_file: bool) -> None:
    """Replace the keys in a file, at once and on the disk: a reader finds the old ones or the new ones. Raise OSError.

    All else in an environment file stays, and so do the file's owner and mode, and a link to it.
    """
    file = file.resolve()
    content = "\n".join(keys) + "\n"
    if is_environment_file:
        content = _LINE.sub(f"CAREFUND_ENCRYPTION_KEYS={','.join(keys)}", file.read_text(encoding="utf-8"))
    before = file.stat()
    new = file.with_name(f".{file.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        if os.geteuid() == 0:  # run by root for the account that owns the file
            os.fchown(out.fileno(), before.st_uid, before.st_gid)
        os.fchmod(out.fileno(), before.st_mode & 0o777)
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    new.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
