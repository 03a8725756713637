"""What all steps share: settings, secrets, store, errors, logging, and the shape of a pull request."""
