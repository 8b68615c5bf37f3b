"""The worker process: holds the networks, predicts and renders. When it dies, the front starts another one."""
