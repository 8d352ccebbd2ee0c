

def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are no names: those of gzip hold the time, and workers that collect at another second would disagree."""
    return argname if isinstance(val, bytes) and not val.isascii() else None
