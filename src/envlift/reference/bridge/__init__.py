"""Any Gymnasium id as a reference; what stands here runs in the child process."""
