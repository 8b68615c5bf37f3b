"""The front process: the socket, who is connected, which jobs wait, and the worker that does them."""
