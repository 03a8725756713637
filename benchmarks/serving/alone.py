"""The service's application as it is, but each request is scored by itself, whatever else there is at that moment."""

from steps.serve import scorer
from steps.serve.app import create_app

scorer.BLOCK_SIZE = 1
app = create_app()
