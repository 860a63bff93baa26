"""The control socket between daemons and commands: JSON lines, versioned."""
