"""The commands for people, one module a verb."""
