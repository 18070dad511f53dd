"""Audits of names that addresses have in the reverse zone."""
