"""Which of dask's schedulers reads the images."""

from __future__ import annotations


def use_threads() -> None:
    """Have dask compute in threads unless somebody chose otherwise.

    Without a choice it looks for a running cluster first, for which it imports ``distributed``: most of a second.
    """
    import dask
    import dask.threaded

    if dask.config.get("scheduler", None) is None:
        dask.config.set(scheduler=dask.threaded.get)
