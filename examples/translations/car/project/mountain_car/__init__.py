"""mountain_car, the fast one."""
