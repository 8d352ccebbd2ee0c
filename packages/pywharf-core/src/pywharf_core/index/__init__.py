"""The local index: what is listed, kept in SQLite under ROOT, rebuildable from the storage at any time."""
