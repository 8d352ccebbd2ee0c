"""Whether a repository is what it says: every byte read again, and what is known compared with what the storage has."""
