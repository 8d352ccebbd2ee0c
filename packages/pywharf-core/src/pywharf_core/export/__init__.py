"""A repository written into a folder: as files that ``import`` brings back, or as a static index for any host."""
