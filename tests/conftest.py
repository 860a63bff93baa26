"""What holds for every test: properties are about behaviour, so none fails because the machine is busy."""

import gc

from hypothesis import HealthCheck, settings

settings.register_profile("piranha", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("piranha"), max_examples=10)
settings.load_profile("piranha")


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: the collector need not walk it again and again."""
    gc.freeze()
