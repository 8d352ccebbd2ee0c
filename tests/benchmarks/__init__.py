"""Benchmarks: whole processes on loopback, figures printed as ratios of one run, nothing asserted.

``nox -s bench`` runs all of them, ``nox -s bench -- pages`` one.
"""
