"""lvs.cf: the configuration language. Pure, but for reading files and resolving names."""
