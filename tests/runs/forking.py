"""Import `carefund` once and fork for each command that a line of standard input names: see `launching.py`.

A line is JSON: `arguments` and `output` of a command, `is_awaited` if its exit status is the answer and not its process
id; or the `pid` of a process whose exit status is.
"""

import json
import os
import sys
from typing import NoReturn

from carefund.cli.main import main


def become(arguments: list[str], output: str) -> NoReturn:
    """Be that command, with a group and an output of its own, and end as it ends."""
    os.setsid()
    opened = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number, descriptor in ((0, os.open(os.devnull, os.O_RDONLY)), (1, opened), (2, opened)):
        os.dup2(descriptor, number)
    sys.argv[1:] = arguments
    status = 1
    try:
        main()
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


answers = os.dup(1)
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
for line in sys.stdin:
    request = json.loads(line)
    pid = request.get("pid") or os.fork()
    if not pid:
        os.close(answers)
        become(request["arguments"], request["output"])
    is_over = "pid" in request or "is_awaited" in request
    answer = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) if is_over else pid
    os.write(answers, b"%d\n" % answer)
