"""Which jobs are trainings, and what they report, sorted by kind."""

from __future__ import annotations

from porelab_gui.core.nouns import Weights
from porelab_gui.session.jobs import Job

RATE = "learning_rate"
Points = list[tuple[float, float]]


def is_training(job: Job) -> bool:
    """Whether a job learns: its Method makes weights, belongs to the step Learn, or it reports a training loss."""
    makes = any(issubclass(noun, Weights) for noun in job.method.outputs.values())
    learns = makes and job.method.name != "load_weights"
    return learns or "train_loss" in job.metrics


def sorted_metrics(job: Job) -> dict[str, dict[str, Points]]:
    """Metrics by the plot they belong to: "loss", "score" and "learning rate"."""
    found: dict[str, dict[str, Points]] = {"loss": {}, "score": {}, "learning rate": {}}
    for name, points in job.metrics.items():
        kind = "learning rate" if name == RATE else "loss" if "loss" in name else "score"
        found[kind][name] = points
    return found
