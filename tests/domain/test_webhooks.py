"""Signatures are those of Standard Webhooks; addresses that are not of the internet are known as such."""

from datetime import timedelta
from ipaddress import ip_address, ip_network

import pytest

from carefund.domain.webhooks import is_named, is_public, make_secret, rest_after, sign, wait_before


def test_a_message_is_signed_as_the_specification_shows():
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    found = sign([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_two_secrets_sign_both():
    one, other = make_secret(), make_secret()
    both = sign([one, other], "msg_1", 1, b"{}").split()
    assert both == [sign([one], "msg_1", 1, b"{}"), sign([other], "msg_1", 1, b"{}")]
    with pytest.raises(ValueError, match="not a secret"):
        sign(["whsec_ä"], "msg_1", 1, b"{}")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_what_is_of_the_internet(address: str, public: bool):
    assert is_public(ip_address(address)) is public


def test_a_named_network_is_known_in_either_form():
    allowed = [ip_network("10.1.0.0/16")]
    assert is_named(ip_address("10.1.2.3"), allowed)
    assert is_named(ip_address("::ffff:10.1.2.3"), allowed)
    assert not is_named(ip_address("10.2.0.1"), allowed)


def test_waits_grow_to_two_hours_and_rests_to_a_quarter_of_one():
    waits = [wait_before(attempt) for attempt in range(1, 40)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (timedelta(seconds=5), timedelta(hours=2))
    assert rest_after(1) == timedelta(seconds=10)
    assert rest_after(1000) == timedelta(minutes=15)
