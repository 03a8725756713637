"""What the benchmark of the service is made of: a client, and what people usually write instead."""
