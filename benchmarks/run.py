"""Measure the server side by side with whatever peers are installed.

python benchmarks/run.py [--only fanout] [--only latency-300] [--rounds 3] [--seconds 3] [--report]
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parent.parent)  # so that it runs from anywhere, as the package that it is in
runpy.run_module("benchmarks.command", run_name="__main__")
