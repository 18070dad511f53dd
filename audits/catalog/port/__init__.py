"""Audits of what is reachable: ports 25, 465 and 587."""
