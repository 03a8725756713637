"""The contract of train: one dataset to one measured model."""

from typing import Annotated

from hera.workflows import Parameter, script
from hera.workflows.io import Output

from steps.common.contract import StepInput


class TrainInput(StepInput):
    """The dataset, the share of pull requests that may raise an alert, and the seed."""

    dataset_uri: Annotated[str, Parameter(name="dataset_uri")]
    alert_budget: Annotated[float, Parameter(name="alert_budget")] = 0.01
    seed: Annotated[int, Parameter(name="seed")] = 7


class TrainOutput(Output):
    """The MLflow run, its model, and the figure that the gate looks at first."""

    run_id: Annotated[str, Parameter(name="run_id")]
    model_uri: Annotated[str, Parameter(name="model_uri")]
    average_precision: Annotated[float, Parameter(name="average_precision")]


@script(constructor="runner")
def train(given: TrainInput) -> TrainOutput:
    """Train and measure."""
    from steps.common.step_frame import run_step
    from steps.train.run import train_and_measure

    with run_step("train"):
        return TrainOutput(**train_and_measure(given.dataset_uri, given.alert_budget, given.seed))
