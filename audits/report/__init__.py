"""Results to reports."""
