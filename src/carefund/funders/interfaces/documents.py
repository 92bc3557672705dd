"""The file of a description read into plain values: YAML or JSON, bounded in bytes, values and depth. No meaning here.

YAML can say in a line what takes gigabytes: what stands for it is counted before anything is built of it.
"""

import json
from pathlib import Path
from typing import Any

import yaml

LARGEST = 8 * 1024 * 1024
MOST_TOGETHER = 4 * LARGEST
_MOST_VALUES = 300_000  # a real description has some ten thousand
_DEEPEST = 100
_ZIP = b"PK\x03\x04"
_MERGE = "tag:yaml.org,2002:merge"
# libyaml's where it is there: several times as fast.
_SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class WrongDescription(Exception):
    """A description cannot be used; says why in one sentence that names the file."""


def load_document(path: Path) -> tuple[Any, int]:
    """What a file holds, and its size in characters. Raises WrongDescription."""
    text = _read_text(path)
    try:
        if text.lstrip().startswith("{"):
            if text.count('":') + text.count("[") > _MOST_VALUES:
                raise _TooMuch
            return json.loads(text), len(text)
        _require_bounded(text, path.name)
        return yaml.load(text, Loader=_TextLoader), len(text)  # noqa: S506 a safe loader
    except _TooMuch:
        raise WrongDescription(f"{path.name} holds more than {_MOST_VALUES:,} values.") from None
    except RecursionError:
        raise WrongDescription(f"{path.name} is nested too deeply to be a description.") from None
    except (ValueError, yaml.YAMLError) as problem:
        mark = getattr(problem, "problem_mark", None)
        line = mark.line + 1 if mark else getattr(problem, "lineno", 0)
        place = f", line {line}" if line else ""
        raise WrongDescription(f"{path.name}{place} is neither YAML nor JSON.") from None


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)  # not its size, which what is no plain file does not say
    except OSError:
        raise WrongDescription(f"{path.name} cannot be read.") from None
    if len(content) > LARGEST:
        raise WrongDescription(f"{path.name} is larger than {LARGEST // 1024 // 1024} MB.")
    if content.startswith(_ZIP):
        raise WrongDescription(f"{path.name} is a ZIP archive. Unpack it, and choose the descriptions in it.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise WrongDescription(f"{path.name} is not a text in UTF-8, so it is neither YAML nor JSON.") from None
    if not text.strip():
        raise WrongDescription(f"{path.name} is empty.")
    return text


class _TooMuch(Exception):
    """More values than a description has."""


def _require_bounded(text: str, name: str) -> None:
    """Raise _TooMuch, WrongDescription or YAMLError, having built nothing of the text."""
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=_SafeLoader)):
        if number > _MOST_VALUES:
            raise _TooMuch
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise WrongDescription(f"{name} is nested too deeply to be a description.")


class _TextLoader(_SafeLoader):  # type: ignore[misc, valid-type]  # one of two, known at run time only
    """A safe loader for which a date is a text, as it is in JSON, and which merges no more than a file can hold."""

    _merged = 0

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Replace merge keys by what they stand for. Raises _TooMuch: each level of them can multiply the one below."""
        for key, merged in node.value:
            if key.tag == _MERGE:
                parts = merged.value if isinstance(merged, yaml.SequenceNode) else [merged]
                mappings = [part for part in parts if isinstance(part, yaml.MappingNode)]
                for part in mappings:
                    self.flatten_mapping(part)
                self._merged += sum(len(part.value) for part in mappings)
                if self._merged > _MOST_VALUES:
                    raise _TooMuch
        super().flatten_mapping(node)


_TextLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
