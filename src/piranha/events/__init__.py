"""Decisions as values, and their record."""
