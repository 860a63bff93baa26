"""Piranha: a load-balancer cluster for Linux Virtual Server."""

__version__ = "0.1.0"
