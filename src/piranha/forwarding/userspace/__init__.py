"""A TCP forwarder in user space, for the demo, development and fast tests."""
