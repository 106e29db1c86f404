"""Attacks of hostile clients: a short form for `make test`, and the full one for `make hostile`."""

from tests.hostile import load, malformed, requests, slow
from tests.hostile.attack import ATTACKS

__all__ = ["ATTACKS", "load", "malformed", "requests", "slow"]
