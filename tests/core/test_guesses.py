"""Who is slowed for trying unknown secrets."""

from __future__ import annotations

import pytest

from pywharf_core.errors import TooManyAttempts
from pywharf_core.guesses import Guesses


def guesses_of(*clients: str) -> None:
    """As many as an address may make at once, one from each of these in turn."""
    guesses = Guesses(clock=lambda: 0.0, together=False)
    for number in range(21):
        guesses.admit(clients[number % len(clients)])


def test_one_address_is_slowed() -> None:
    with pytest.raises(TooManyAttempts):
        guesses_of("192.0.2.1")


def test_addresses_of_one_ipv6_customer_are_slowed_together() -> None:
    with pytest.raises(TooManyAttempts):
        guesses_of("2001:db8::1", "2001:db8:0:0:ffff::2", "2001:0db8::a:b")


def test_mapped_ipv4_addresses_are_told_apart() -> None:
    guesses_of("::ffff:192.0.2.1", "::ffff:192.0.2.2")


def test_a_mapped_address_is_the_address() -> None:
    with pytest.raises(TooManyAttempts):
        guesses_of("::ffff:192.0.2.1", "192.0.2.1")


def test_different_networks_are_told_apart() -> None:
    guesses_of("2001:db8:0:1::1", "2001:db8:0:2::1")


def test_what_is_no_address_is_a_client_of_its_own() -> None:
    guesses_of("", "proxy:without-address")


def test_what_was_no_guess_is_given_back() -> None:
    guesses = Guesses(clock=lambda: 0.0)
    for _ in range(200):
        guesses.admit("192.0.2.1")
        guesses.give_back("192.0.2.1")
    for _ in range(20):
        guesses.admit("192.0.2.1")
    with pytest.raises(TooManyAttempts):
        guesses.admit("192.0.2.1")


def test_all_together_are_slowed_and_nobody_pays_for_what_was_refused() -> None:
    guesses = Guesses(clock=lambda: 0.0)
    for number in range(100):
        guesses.admit(f"192.0.2.{number}")
    for _ in range(30):
        with pytest.raises(TooManyAttempts):
            guesses.admit("198.51.100.1")
    guesses.give_back("192.0.2.1")
    guesses.admit("198.51.100.1")
