"""A small fake GitHub server with synthetic repositories, for the first run and the tests."""
