"""The lvs daemon: keeps the IPVS table equal to what lvs.cf and the health of the servers ask for."""
