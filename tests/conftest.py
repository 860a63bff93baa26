"""What holds for every test: properties are about behaviour, so none fails because the machine is busy."""

from hypothesis import HealthCheck, settings

settings.register_profile("piranha", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("piranha"), max_examples=30)
settings.load_profile("piranha")
