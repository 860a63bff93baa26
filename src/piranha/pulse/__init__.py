"""The controlling process of a router: heartbeats, election, floating addresses."""
