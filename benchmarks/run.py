"""Measure the server beside the installed peers.

python benchmarks/run.py [--only fanout] [--only latency-300] [--rounds 3] [--seconds 3] [--report]
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parent.parent)  # run as a part of its package, from any folder
runpy.run_module("benchmarks.command", run_name="__main__")
