"""The steps of the pipeline and the service: one package per image, with what they share in `common` and `scoring`."""
