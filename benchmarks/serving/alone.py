"""The service's application without micro-batching: each request is scored separately."""

from steps.serve import scorer
from steps.serve.app import create_app

scorer.BLOCK_SIZE = 1
app = create_app()
