"""The step preprocess: documents in MongoDB become a dataset of features, named by the hash of its content."""
