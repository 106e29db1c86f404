"""What hostile clients do, each in a short form for `make test` and in full for `make hostile`."""

from tests.hostile import crowds, octets, readers, requests
from tests.hostile.attack import ATTACKS

__all__ = ["ATTACKS", "crowds", "octets", "readers", "requests"]
