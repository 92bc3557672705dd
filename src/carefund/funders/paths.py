"""Whether the paths that a deployment sets fit the table that they replace, in words. No network.

A misspelt name would silently do nothing, and a placeholder that nothing fills in would fail at the first call.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from string import Formatter

from carefund.funders.errors.configuring import NotConfigured


def wrong_paths(setting: str, given: Mapping[str, str], known: Mapping[str, str]) -> list[str]:
    """Return one sentence for each thing that is wrong with the given paths, naming the nearest right name."""
    wrong: list[str] = []
    for operation, path in given.items():
        if operation in known:
            wrong += [f'the path of "{operation}" {complaint}' for complaint in _complaints(path, known[operation])]
        else:
            nearest = find_nearest(operation, known)
            hint = f'Did you mean "{nearest}"?' if nearest else f"The operations are: {', '.join(sorted(known))}."
            wrong.append(f'"{operation}" is not an operation. {hint}')
    return [f"{setting}: {sentence}" for sentence in wrong]


def require_right_paths(setting: str, given: Mapping[str, str], known: Mapping[str, str]) -> None:
    """Raise NotConfigured, with a line per complaint, unless the given paths fit the table."""
    wrong = wrong_paths(setting, given, known)
    if wrong:
        raise NotConfigured("\n".join(wrong))


def find_nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that is spelt most like this one, whatever the case; "" when none is near."""
    by_spelling = {known_name.lower(): known_name for known_name in known}
    nearest = get_close_matches(name.lower(), by_spelling, n=1)
    return by_spelling[nearest[0]] if nearest else ""


def _complaints(path: str, preset: str) -> list[str]:
    """Return what is wrong with a path, as the second half of a sentence."""
    if not path.startswith("/"):
        return ["must begin with /."]
    try:
        placeholders = list(_placeholders(path))
    except ValueError:
        return ["has an unmatched brace."]
    needed = {name for name, _ in _placeholders(preset)}
    complaints = [f"has more than a name in the braces {{{name}}}." for name, is_plain in placeholders if not is_plain]
    unfilled = sorted({name for name, _ in placeholders} - needed)
    suggested = {name: find_nearest(name, needed) for name in unfilled}
    for name, nearest in suggested.items():
        hint = f" Did you mean {{{nearest}}}?" if nearest else ""
        complaints.append(f"has {{{name}}}, which nothing fills in.{hint}")
    missing = needed - {name for name, _ in placeholders} - set(suggested.values())
    return complaints + [f"needs {{{name}}}." for name in sorted(missing)]


def _placeholders(path: str) -> Iterable[tuple[str, bool]]:
    """Yield each name in braces, and whether it stands there alone. Raise ValueError for a lone brace."""
    for _, name, style, conversion in Formatter().parse(path):
        if name is not None:
            yield name, not style and not conversion
