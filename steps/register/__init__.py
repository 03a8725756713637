"""register: from a measured model to a version in the registry, if the gate says yes."""
