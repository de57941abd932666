"""What is open: data, steps, jobs, undo. No Qt."""
