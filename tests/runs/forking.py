"""Import what `carefund` needs once and fork for each command that a line of standard input names: see `launching.py`.

With the word `carefund` the product is imported too, in this process's environment; else what it is made with alone,
and those of its packages that know no setting, and each command brings its environment. A line is JSON: `arguments`
(the program's name first), `output`, `errors`, `environment`, `folder`; `is_awaited` if the exit status is to follow
the process id; or the `pid` of a process whose exit status is asked for. Answers are lines too.
"""

import json
import os
import pkgutil
import sys
from importlib import import_module
from typing import Any

from carefund import domain

PRODUCT = "carefund.cli.main"
MADE_WITH = (
    "aiohttp", "croniter", "cryptography.fernet", "cryptography.hazmat.primitives.ciphers.aead", "cryptography.x509",
    "django.core.management", "django.core.serializers.json", "django.db.backends.sqlite3.base",
    "django.db.migrations.executor", "django.db.models", "django.forms", "django.http", "django.template.engine",
    "django.urls", "environ", "jwt", "msgspec", "procrastinate", "psycopg", "psycopg_pool", "qrcode", "rich.progress",
    "rich.table", "sqlparse", "typer", "yaml", "zstandard", "carefund.funders.registry",
    *(module.name for module in pkgutil.walk_packages(domain.__path__, "carefund.domain.")),
)  # fmt: skip


def become(request: dict[str, Any]) -> None:
    """Be that command, with a group, an output and an environment of its own; it ends as others do."""
    os.setsid()
    outputs = [request["output"], request.get("errors") or request["output"]]
    files = [os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) for path in outputs]
    for number, descriptor in enumerate((os.open(os.devnull, os.O_RDONLY), *files)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    if "environment" in request:
        os.environ.clear()
        os.environ.update(request["environment"])
    if request.get("folder"):
        os.chdir(request["folder"])
    sys.argv[:] = request["arguments"]
    import_module(PRODUCT).main()


def answer_requests() -> dict[str, Any]:
    """Fork for each request; returns in a forked process, with what it is to be."""
    answers = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for line in sys.stdin:
        request: dict[str, Any] = json.loads(line)
        pid = request.get("pid") or os.fork()
        if not pid:
            os.close(answers)
            return request
        if "pid" not in request:
            os.write(answers, b"%d\n" % pid)
        if "pid" in request or request.get("is_awaited"):
            os.write(answers, b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    raise SystemExit


sys.path.pop(0)  # this folder; a command has none of the tests'
for name in (PRODUCT,) if sys.argv[1:] == ["carefund"] else MADE_WITH:
    import_module(name)
become(answer_requests())
