"""acrobot, the fast one."""
