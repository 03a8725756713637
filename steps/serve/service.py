"""The BentoML service: it frames the application, and says when it is ready."""

import bentoml

from steps.common import log
from steps.serve.app import create

app = create()


@bentoml.service(name="pr-sentinel", workers=1, traffic={"timeout": 60}, logging={"access": {"enabled": False}})
@bentoml.asgi_app(app, path="/")
class ModelServing:
    """Scores pull requests by the model that stands beside it."""

    def __init__(self) -> None:
        log.configure()

    async def __is_ready__(self) -> bool:
        """Whether a model is loaded whose every hash and golden score is right."""
        return app.state.runtime.scorer is not None
