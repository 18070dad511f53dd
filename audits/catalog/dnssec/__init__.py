"""Audits of the signatures over the zones that mail depends on."""
