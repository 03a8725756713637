"""preprocess: from MongoDB to a dataset of features, content-addressed in the store."""
