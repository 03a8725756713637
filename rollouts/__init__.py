"""How a new model or a new build of the service reaches its users."""
