"""Programs that run inside of the image, with its Python."""

from __future__ import annotations

#: Prints the largest distributions, in MB, their bytecode included.
SIZES = """
from importlib.metadata import distributions
def size(distribution):
    folders = {str(distribution.locate_file(file.parent / "__pycache__")) for file in distribution.files}
    import pathlib
    files = [pathlib.Path(distribution.locate_file(file)) for file in distribution.files]
    files += [bytecode for folder in folders for bytecode in pathlib.Path(folder).glob("*.pyc")]
    return sum(file.stat().st_size for file in set(files) if file.is_file()) / 1e6
sizes = sorted(((size(each), each.name) for each in distributions()), reverse=True)
for megabytes, name in sizes[:12]:
    print(f"{megabytes:5.1f}  {name}")
print(f"{sum(megabytes for megabytes, _ in sizes[12:]):5.1f}  {len(sizes) - 12} others")
"""

#: Prints what one health check costs.
TIMED_HEALTHCHECK = """
import resource, subprocess, sys, time
before = time.monotonic()
subprocess.run([sys.executable, "-P", "-m", "pywharf.healthcheck"], check=True, stdout=subprocess.DEVNULL)
took = time.monotonic() - before
print(f"{took:.3f} s, {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MiB")
"""
