"""Packages from elsewhere into a repository: folders, other servers' stores, other indexes, other repositories."""
