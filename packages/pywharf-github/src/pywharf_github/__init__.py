"""pywharf's storage in the releases of a GitHub repository. Nothing to import here: pywharf finds it by its entry point."""
