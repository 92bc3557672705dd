"""All leaves of the tree of errors."""

from collections.abc import Sequence
from types import ModuleType

from carefund.funders.errors import access, answers, configuring, outages, people, requests
from carefund.funders.errors.requests import RequestRejected
from carefund.funders.errors.root import FunderError

_MODULES: Sequence[ModuleType] = (configuring, outages, access, people, answers, requests)


def all_leaves(root: type[FunderError] = FunderError) -> list[type[FunderError]]:
    """Return every class below `root` that is raised: what docs/errors.md must list."""
    classes = [member for module in _MODULES for member in vars(module).values() if isinstance(member, type)]
    raised = [error for error in classes if not error.__subclasses__() or error is RequestRejected]
    return [leaf for leaf in dict.fromkeys(raised) if issubclass(leaf, root)]
