"""The docker's widgets: plain Qt, without Krita, drawn from one `DockerState`."""
