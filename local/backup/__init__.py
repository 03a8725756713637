"""The commands that copy MongoDB, the registry and the store to a folder, and bring them back."""
