"""A change of the configuration: seen before it happens, kept, and taken back."""
