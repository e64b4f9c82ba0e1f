"""The four vendors emulated in the process, behind the same clients."""
