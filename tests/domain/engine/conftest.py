"""How many examples the property tests try: few by default, 2,000 each with HYPOTHESIS_PROFILE=thorough."""

import os

from hypothesis import HealthCheck, settings

# A simulation's time is measured by bench/engine.py, not by a deadline on a busy machine.
settings.register_profile("quick", max_examples=100, deadline=None, derandomize=True)
settings.register_profile("thorough", max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
