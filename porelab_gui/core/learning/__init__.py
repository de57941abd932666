"""What all learned methods share: device, fit loop, checkpoints, model cards, metrics."""
