"""The IPVS table as a value: what it is, what it should be, and the steps between."""
