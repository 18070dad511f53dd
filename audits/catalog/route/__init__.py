"""Audits of routes."""
