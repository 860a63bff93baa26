"""Forwarding planes: who moves the packets."""
