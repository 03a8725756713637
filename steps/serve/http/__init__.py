"""HTTP: the middleware, request parsing, problems and health checks of the service."""
