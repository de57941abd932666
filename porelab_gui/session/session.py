"""What is open: named data, the steps that made them, undo and redo. Watched by whatever shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

from psygnal import Signal

from porelab_gui.core.errors import PorelabError
from porelab_gui.core.method import Method, Params
from porelab_gui.core.nouns import Noun, Stack
from porelab_gui.core.recipe import Recipe, RecipeStep, versions
from porelab_gui.core.registry import get, methods
from porelab_gui.session.history import kept
from porelab_gui.session.jobs import Job, JobQueue, State

N = TypeVar("N", bound=Noun)


@dataclass(frozen=True)
class Snapshot:
    """The whole state; cheap, because nouns are frozen and shared."""

    items: Mapping[str, Noun]
    steps: tuple[RecipeStep, ...]
    title: str


class Session:
    """Items by name, and the recipe that made them. All calls on one thread (the owner's).

    ``changed(names)`` after items were added, replaced or removed; ``stepped()`` when the recipe changed.
    """

    changed = Signal(tuple)
    stepped = Signal()

    def __init__(self, queue: JobQueue | None = None) -> None:
        self.queue = queue or JobQueue()
        self._now = Snapshot(MappingProxyType({}), (), "start")
        self._past: list[Snapshot] = []
        self._future: list[Snapshot] = []
        self._generation: dict[tuple[str, ...], int] = {}

    @property
    def items(self) -> Mapping[str, Noun]:
        """Data by name, in the order they were made."""
        return self._now.items

    @property
    def recipe(self) -> Recipe:
        """Every step done so far."""
        return Recipe(self._now.steps, versions())

    def latest(self, kind: type[N]) -> str | None:
        """Name of the newest item of exactly this noun."""
        return next((k for k in reversed(list(self.items)) if type(self.items[k]) is kind), None)

    def defaults(self, method: Method) -> dict[str, str]:
        """The newest fitting item for every input of a Method.

        An optional input only takes an item of its own name; of several inputs of one kind each prefers its own.
        What says something of an image, such as how sure a net is of it, is offered as an image last.
        """
        chosen = {}
        nouns, about = [port.noun for port in method.inputs.values()], self._about_images()
        for port, wanted in method.inputs.items():
            fitting = [
                k for k, v in self.items.items() if isinstance(v, wanted.noun) and (not wanted.optional or k == port)
            ]
            named = [k for k in fitting if k == port and (nouns.count(wanted.noun) > 1 or k in about)]
            exact = [k for k in fitting if type(self.items[k]) is wanted.noun]
            images = [k for k in exact if k not in about]
            if fitting:
                chosen[port] = (named or images or exact or fitting)[-1]
        return chosen

    def _about_images(self) -> set[str]:
        """Names of the stacks that a Method made of a stack, and not in its place."""
        found: set[str] = set()
        known = methods()
        for step in self._now.steps:
            method = known.get(step.method)
            if method is None:
                continue
            from_image = any(port.noun is Stack for port in method.inputs.values())
            made = {name for port, name in step.outputs.items() if method.outputs.get(port) is Stack}
            instead = {name for port, name in step.outputs.items() if port in method.inputs}
            found = (found - set(step.outputs.values())) | (made - instead if from_image else set())
        return found

    def run(
        self,
        name: str,
        params: Params | Mapping[str, Any] | None = None,
        inputs: Mapping[str, str] | None = None,
        outputs: Mapping[str, str] | None = None,
        done: Callable[[Job], None] | None = None,
    ) -> Job:
        """Queue a Method on items; when it has ended well its outputs become items and one recipe step.

        ``outputs`` names them by port (default: the port's name; a Network in gives its own name to a Network out).
        A result that comes back after the same run was asked for again is dropped.
        """
        method = get(name)
        checked = method.validate(params or {}) if not isinstance(params, Params) else params
        bound = dict(inputs) if inputs is not None else self.defaults(method)
        names = {port: self._output_name(method, port, bound, outputs or {}) for port in method.outputs}
        key = (name, *names.values())
        self._generation[key] = generation = self._generation.get(key, 0) + 1

        def finish(job: Job) -> None:
            if job.state is State.DONE and self._generation[key] == generation:
                self._accept(job, bound, names)
            if done:
                done(job)

        return self.queue.submit(method, {p: self.item(k) for p, k in bound.items()}, checked, finish)

    def item(self, name: str) -> Noun:
        """One item; PorelabError when it is not there."""
        if name not in self.items:
            raise PorelabError(f"there is no data named {name!r}", remedy="Run the step that makes it first.")
        return self.items[name]

    def put(
        self,
        method: Method,
        params: Mapping[str, Any],
        bound: Mapping[str, str],
        made: Mapping[str, Noun],
        names: Mapping[str, str] | None = None,
        hashes: Mapping[str, str] | None = None,
    ) -> None:
        """Record one step whose outputs are there; ``names`` maps ports to item names."""
        out = {port: (names or {}).get(port, port) for port in made}
        known = {port: (hashes or {}).get(port) or noun.content_hash for port, noun in made.items()}
        step = RecipeStep(method.name, dict(params), dict(bound), out, known, method.version)
        items = {out[port]: noun.renamed(out[port]) for port, noun in made.items()}
        kept = {k: v for k, v in self.items.items() if k not in items}
        self._become({**kept, **items}, (*self._now.steps, step), method.title)

    def remove(self, name: str) -> None:
        """Forget an item; the steps that made it stay in the recipe."""
        self._become({k: v for k, v in self.items.items() if k != name}, self._now.steps, f"remove {name}")

    def replace(self, items: Mapping[str, Noun], recipe: Recipe, title: str) -> None:
        """Other data and another recipe in place of these (undo brings them back)."""
        self._become(items, recipe.steps, title)

    def clear(self) -> None:
        """Forget everything (undo brings it back)."""
        self._become({}, (), "clear")

    @property
    def undo_title(self) -> str | None:
        """What undo would take back."""
        return self._now.title if self._past else None

    @property
    def redo_title(self) -> str | None:
        """What redo would do again."""
        return self._future[-1].title if self._future else None

    def undo(self) -> None:
        """Back to the state before the last step."""
        if self._past:
            self._future.append(self._now)
            self._show(self._past.pop())

    def redo(self) -> None:
        """Forward again."""
        if self._future:
            self._past.append(self._now)
            self._show(self._future.pop())

    def _output_name(self, method: Method, port: str, bound: Mapping[str, str], asked: Mapping[str, str]) -> str:
        if port in asked:
            return asked[port]
        same = [bound[p] for p in method.inputs if p in bound and p == port]
        return same[0] if same else port

    def _accept(self, job: Job, bound: Mapping[str, str], names: Mapping[str, str]) -> None:
        made = {port: noun for port, noun in (job.outputs or {}).items() if port in job.method.outputs}
        self.put(job.method, job.params.model_dump(mode="json"), bound, made, names, job.hashes)

    def _become(self, items: Mapping[str, Noun], steps: tuple[RecipeStep, ...], title: str) -> None:
        self._past.append(self._now)
        del self._past[: len(self._past) - kept(self._past, items)]
        self._future.clear()
        self._show(Snapshot(MappingProxyType(dict(items)), steps, title))

    def _show(self, state: Snapshot) -> None:
        before, self._now = self._now, state
        names = {*before.items, *state.items}
        touched = tuple(sorted(n for n in names if before.items.get(n) is not state.items.get(n)))
        self.changed.emit(touched)
        self.stepped.emit()
