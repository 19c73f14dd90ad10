"""What waits for the processor: batches and worker threads."""
