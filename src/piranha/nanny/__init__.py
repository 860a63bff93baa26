"""Health checks: probes, their schedule, and the processes that run them."""
