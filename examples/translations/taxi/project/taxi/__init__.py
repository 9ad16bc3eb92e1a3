"""taxi, the fast one."""
