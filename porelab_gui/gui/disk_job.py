"""Work of the window itself that reads or writes files, as a job in the strip."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from porelab_gui.core.method import Method, Params
from porelab_gui.core.nouns import Noun
from porelab_gui.core.progress import Progress
from porelab_gui.session.jobs import Job, State
from porelab_gui.session.session import Session


class _Nothing(Params):
    """A job of the window itself has no parameters."""


def disk_job(
    session: Session, name: str, title: str, work: Callable[[Progress], None], done: Callable[[], None]
) -> Job:
    """Queue ``work(progress)`` on the disk lane; ``done()`` on the owner's thread when it ended well."""

    def run(_inputs: Any, _params: Any, progress: Progress) -> Mapping[str, Noun]:
        work(progress)
        return {}

    def finish(job: Job) -> None:
        if job.state is State.DONE:
            done()

    method = Method(name, title, title + ".", "Export", "", _Nothing, {}, {}, run, lane="disk")
    return session.queue.submit(method, {}, _Nothing(), finish)
