"""What GitHub does for each operation: one module for each family, found by the operation's id."""
