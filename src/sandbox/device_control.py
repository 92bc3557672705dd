"""The control API for PRODA's devices: what a person does on PRODA's screen, and keys that grow old at once."""

from __future__ import annotations

from typing import Any

from sandbox.container import Container
from sandbox.control_routes import body_of, control_routes
from sandbox.proda import Device, instant_text
from sandbox.wire import Call, Route


class DeviceControl:
    """Handlers of the control API for devices and tokens."""

    def __init__(self, container: Container) -> None:
        self._proda = container.proda
        self._now = container.world.clock.proda_now

    def routes(self) -> list[Route]:
        """The control API's lines of the route table."""
        table = [
            ("GET", "/proda/devices", self.devices),
            ("POST", "/proda/devices", self.register_device),
            ("POST", "/proda/devices/{deviceName}", self.change_device),
            ("DELETE", "/proda/devices/{deviceName}", self.remove_device),
            ("POST", "/proda/forget-tokens", self.forget_tokens),
        ]
        return control_routes("/sandbox", table)

    def devices(self, _call: Call) -> Any:
        """The devices and their state."""
        return [_device(device) for device in self._proda.devices.values()]

    def register_device(self, call: Call) -> Any:
        """What a person does on PRODA's screen: deviceName; the answer holds the one-time activation code."""
        device = self._proda.register(_text(body_of(call), "deviceName"))
        return {
            "deviceName": device.name,
            "activationCode": device.activation_code,
            "expiresAt": instant_text(device.code_expires_at),
        }

    def change_device(self, call: Call) -> Any:
        """Set status, keyAge, or expiries in seconds from now: keyExpiresIn, deviceExpiresIn, codeExpiresIn."""
        device, wanted, now = (
            self._proda.devices[call.args["deviceName"]],
            body_of(call),
            self._now(),
        )
        device.status = str(wanted.get("status", device.status))
        if "keyExpiresIn" in wanted:
            device.key_expires_at = now + float(wanted["keyExpiresIn"])
        if "keyAge" in wanted:
            device.key_from = now - float(wanted["keyAge"])
        if "deviceExpiresIn" in wanted:
            device.device_expires_at = now + float(wanted["deviceExpiresIn"])
        if "codeExpiresIn" in wanted:
            device.code_expires_at = now + float(wanted["codeExpiresIn"])
        return _device(device)

    def remove_device(self, call: Call) -> Any:
        """Take a device off PRODA's list."""
        del self._proda.devices[call.args["deviceName"]]
        return {}

    def forget_tokens(self, _call: Call) -> Any:
        """Make all access tokens invalid at once."""
        self._proda.tokens.forget()
        return {}


def _text(body: dict[str, Any], name: str) -> str:
    if not isinstance(body.get(name), str) or not body[name]:
        raise ValueError(f"{name} is missing")
    return str(body[name])


def _device(device: Device) -> dict[str, Any]:
    return {
        "deviceName": device.name,
        "status": device.status,
        "hasKey": bool(device.key),
        "keyExpiry": instant_text(device.key_expires_at) if device.key else None,
        "deviceExpiry": instant_text(device.device_expires_at) if device.key else None,
        "keys": len(device.used_moduli),
    }
