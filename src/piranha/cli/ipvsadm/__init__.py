"""ipvsadm: shows and edits the IPVS table by hand."""
