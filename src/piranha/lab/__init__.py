"""Routers, clients and real servers in network namespaces; faults and their time lines."""
