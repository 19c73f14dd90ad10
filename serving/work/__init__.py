"""Work that waits for a CPU: batches and worker threads."""
