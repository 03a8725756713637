"""The register step: turns a measured model into a registered version if the gate accepts it."""
