"""A release's long description as safe HTML: rendered in a process of its own, bounded in size and time, remembered."""
