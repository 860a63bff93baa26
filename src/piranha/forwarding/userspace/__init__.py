"""The userspace plane: a TCP forwarder in a process of its own, for demo, development and fast tests."""
