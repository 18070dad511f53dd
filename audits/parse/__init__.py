"""Text or bytes to facts, without I/O."""
