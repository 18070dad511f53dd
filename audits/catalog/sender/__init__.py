"""Audits of the standing of senders."""
