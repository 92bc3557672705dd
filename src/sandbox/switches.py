"""How the sandbox behaves where the real thing is unknown or strict: switches, changeable while it runs."""

from __future__ import annotations

from typing import Any

import msgspec


class Switches(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """Every switch with its default. Changed with POST /sandbox/switches."""

    auth: bool = True
    latency_ms: float = 0.0
    # "error" answers an empty search with 404 and code "1"; "empty" with 200 and [].
    not_found: str = "error"
    # "number" writes money as JSON numbers with two decimals, "string" as strings.
    money: str = "number"
    # "array" answers lists bare; "object" wraps them in {"items": []}.
    envelope: str = "array"
    embed_entitlements: bool = False
    # The budget summary lists what is in force today, whatever effective dates it is asked for.
    only_current_budgets: bool = False
    # Reads may come without Accept and Content-Type, and dhs-messageId may be a bare GUID.
    lenient_headers: bool = False
    refuse_duplicate_messages: bool = False
    throttle_early_refresh: bool = False
    default_limit: int = 10
    token_seconds: int = 3600
    key_days: int = 180
    device_days: int = 1825
    activation_code_hours: float = 24.0


def changed(switches: Switches, values: dict[str, Any]) -> Switches:
    """The switches with some of them replaced. Raises msgspec.ValidationError naming the wrong one."""
    return msgspec.convert({**msgspec.to_builtins(switches), **values}, Switches)
