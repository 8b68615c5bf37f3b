"""What is said: the protocol's messages to clients, and the inner link and shared memory between front and worker."""
