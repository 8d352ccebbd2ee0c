"""What an upload must be: the form, the archive, the file while it arrives, and the judgement on all three."""
