"""A small stand-in for GitHub with made-up repositories, for the first run and the tests."""
