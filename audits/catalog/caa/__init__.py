"""Audits of CAA."""
