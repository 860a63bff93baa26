"""Netlink: IPVS, addresses and links. The codec is pure, the socket is shell."""
