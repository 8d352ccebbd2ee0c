"""Property tests with far more examples than in the test suite: ``nox -s fuzz``."""
