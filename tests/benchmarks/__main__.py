"""``python -m benchmarks [NAME …]``"""

from __future__ import annotations

import sys
from importlib import import_module

NAMES = ("pages", "upload", "start", "remote_index", "importing")


def main(names: list[str]) -> None:
    for name in names or NAMES:
        if name not in NAMES:
            sys.exit(f"{name!r} is no benchmark; there are {', '.join(NAMES)}")
        print(f"\n== {name}", flush=True)
        import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main(sys.argv[1:])
