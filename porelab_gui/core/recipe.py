"""Recipes: a session as steps that replay without a screen and give the same numbers."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from porelab_gui.core.atomic import writing
from porelab_gui.core.errors import FormatError, ParameterError
from porelab_gui.core.nouns import Noun
from porelab_gui.core.progress import Progress, silent, within
from porelab_gui.core.registry import get

FORMAT = 1
MAX_BYTES = 1 << 24
MAX_DEPTH = 100
PACKAGES = ("porelab-gui", "numpy", "scipy", "numba", "torch", "porespy", "openpnm")


@dataclass(frozen=True)
class RecipeStep:
    """One run of a Method. ``inputs`` and ``outputs`` map its ports to item names; hashes belong to the outputs."""

    method: str
    params: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)
    version: str = "1"
    id: str = ""


@dataclass(frozen=True)
class Recipe:
    """Steps in order, with the versions they ran under."""

    steps: tuple[RecipeStep, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", _with_ids(self.steps))

    def save(self, path: Path) -> None:
        """Write YAML; nothing is left half-written."""
        import yaml

        body = {
            "porelab_recipe": FORMAT,
            "versions": dict(self.versions) or versions(),
            "steps": [_plain(s) for s in self.steps],
        }
        with writing(path, "w") as handle:
            yaml.safe_dump(body, handle, sort_keys=False, allow_unicode=True)

    @staticmethod
    def load(path: Path) -> Recipe:
        """Read YAML; FormatError naming the file when it is not a recipe or of a newer format.

        Relative names of files that lie beside the recipe are made absolute.
        """
        from porelab_gui.core.recipe_files import beside

        return beside(_parse(_read_yaml(path), path), path.parent)

    def changed(self, settings: Mapping[str, Any]) -> Recipe:
        """This recipe with ``{"STEP.PARAM": value}`` applied; STEP is a step's id or its method."""
        steps = list(self.steps)
        for key, value in settings.items():
            step_id, _, name = key.rpartition(".")
            hits = [i for i, s in enumerate(steps) if step_id in (s.id, s.method)]
            if not hits or not name:
                known = ", ".join(s.id for s in steps)
                raise ParameterError(f"there is no step {step_id!r} to set", where=key, remedy=f"Steps: {known}.")
            for i in hits:
                get(steps[i].method).validate({**steps[i].params, name: value})
                steps[i] = replace(steps[i], params={**steps[i].params, name: value})
        return replace(self, steps=tuple(steps))

    def as_script(self) -> str:
        """The same steps as a Python script on the public interface."""
        from porelab_gui.core.recipe_script import script_of

        return script_of(self)


Memo = dict[tuple[Any, ...], tuple[tuple[Noun, ...], Mapping[str, Noun]]]


@dataclass(frozen=True)
class Replay:
    """What a replay gave: items by name, and sentences where a hash differs from the recorded one."""

    items: Mapping[str, Noun]
    differences: tuple[str, ...]
    recipe: Recipe


def replay(
    recipe: Recipe,
    items: Mapping[str, Noun] | None = None,
    progress: Progress = silent,
    after: Callable[[RecipeStep, Mapping[str, Noun]], None] | None = None,
    memo: Memo | None = None,
) -> Replay:
    """Run every step in order; recorded hashes and versions are compared, never trusted.

    ``memo`` holds the results of steps between replays: a step with the same parameters on the same data runs once.
    """
    store: dict[str, Noun] = dict(items or {})
    differences = changed_versions(recipe)
    done: list[RecipeStep] = []
    for i, step in enumerate(recipe.steps):
        part = within(progress, i / len(recipe.steps), (i + 1) / len(recipe.steps), step.id)
        bound = {port: _item(store, name, step) for port, name in step.inputs.items()}
        made = _run(step, bound, part, memo)
        hashes = {}
        for port, name in step.outputs.items():
            if port not in made:
                continue
            store[name] = made[port].renamed(name)
            hashes[port] = made[port].content_hash
            if step.hashes.get(port, hashes[port]) != hashes[port]:
                source = f" (read from {step.params.get('path')})" if step.method == "load" else ""
                differences.append(f"{step.id}: {name}{source} differs from the recorded result")
        method = get(step.method)
        params = method.validate(step.params).model_dump(mode="json")
        done.append(replace(step, params=params, hashes=hashes, version=method.version))
        if after:
            after(done[-1], store)
    return Replay(store, tuple(differences), Recipe(tuple(done), versions()))


def _run(step: RecipeStep, bound: Mapping[str, Noun], progress: Progress, memo: Memo | None) -> Mapping[str, Noun]:
    if memo is None:
        return get(step.method)(bound, step.params, progress)
    named = sorted(bound.items())
    key = (step.method, repr(sorted(step.params.items())), *((port, id(noun)) for port, noun in named))
    if key not in memo:  # the nouns are kept with it, so that no other can get their id
        memo[key] = (tuple(n for _, n in named), get(step.method)(bound, step.params, progress))
    return memo[key][1]


def changed_versions(recipe: Recipe) -> list[str]:
    """Sentences on packages and Methods whose version is not the recorded one."""
    now = versions()
    found = [
        f"{package} is {now.get(package, 'not installed')}, recorded with {recorded}"
        for package, recorded in recipe.versions.items()
        if now.get(package) != recorded
    ]
    for step in recipe.steps:
        if get(step.method).version != step.version:
            found.append(f"{step.id}: its Method has version {get(step.method).version}, recorded with {step.version}")
    return found


def versions() -> dict[str, str]:
    """Versions of what the numbers depend on."""
    found = {"python": platform.python_version(), **{package: _installed(package) for package in PACKAGES}}
    return {package: number for package, number in found.items() if number}


@cache
def _installed(package: str) -> str:
    """Its version, empty where it is not installed; looked up once, as the window asks at every step."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _with_ids(steps: Sequence[RecipeStep]) -> tuple[RecipeStep, ...]:
    """Steps with unique ids: the method's name, numbered from the second use on."""
    seen: dict[str, int] = {}
    named = []
    for step in steps:
        seen[step.method] = count = seen.get(step.method, 0) + 1
        named.append(step if step.id else replace(step, id=step.method if count == 1 else f"{step.method}_{count}"))
    return tuple(named)


def _item(store: Mapping[str, Noun], name: str, step: RecipeStep) -> Noun:
    if name not in store:
        raise FormatError(
            f"step {step.id} needs {name!r}, which no step before it makes", remedy="Check the order of the steps."
        )
    return store[name]


def _plain(step: RecipeStep) -> dict[str, Any]:
    body = {"id": step.id, "method": step.method, "version": step.version}
    for key in ("params", "inputs", "outputs", "hashes"):
        body[key] = _simple(dict(getattr(step, key)))
    return body


def _simple(value: Any) -> Any:
    """Only what YAML's safe types hold."""
    if isinstance(value, Mapping):
        return {str(k): _simple(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_simple(v) for v in value]
    return value if isinstance(value, int | float | str | bool | None) else str(value)


def _read_yaml(path: Path) -> Any:
    import yaml

    try:
        if path.stat().st_size > MAX_BYTES:
            raise FormatError("it is larger than a recipe of thousands of steps", where=path)
        text = path.read_text(encoding="utf-8")
        _check_tokens(text, path)
        return yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, RecursionError, ValueError, yaml.YAMLError) as error:
        reason = str(error).splitlines()[0]
        raise FormatError(f"the recipe cannot be read ({reason})", where=path, remedy="Save it again.") from error


def _check_tokens(text: str, path: Path) -> None:
    """FormatError for aliases, by which a few lines can fill the memory, and for nesting that takes hours to parse."""
    import yaml

    depth = 0
    for token in yaml.scan(text):
        if isinstance(token, yaml.AliasToken):
            remedy = "Write out what the aliases stand for."
            raise FormatError("it holds YAML aliases, which a recipe does not need", where=path, remedy=remedy)
        kind = type(token).__name__
        depth += ("StartToken" in kind and kind != "StreamStartToken") - (kind.endswith("EndToken"))
        if depth > MAX_DEPTH:
            raise FormatError(f"it is nested more than {MAX_DEPTH} times", where=path, remedy="Save it again.")


def _parse(body: Any, path: Path) -> Recipe:
    if not isinstance(body, dict) or "porelab_recipe" not in body:
        raise FormatError("this is not a recipe", where=path, remedy="Choose a recipe.yaml that PoreLab saved.")
    if not isinstance(body["porelab_recipe"], int) or body["porelab_recipe"] > FORMAT:
        raise FormatError(
            f"the recipe has format {body['porelab_recipe']}, this program reads up to {FORMAT}",
            where=path,
            remedy="Update PoreLab.",
        )
    known = set(RecipeStep.__dataclass_fields__)
    try:
        steps = tuple(RecipeStep(**{k: v for k, v in s.items() if k in known}) for s in body.get("steps", []))
        for step in steps:
            _check(step)
        return Recipe(steps, dict(body.get("versions", {})))
    except (TypeError, AttributeError, ValueError) as error:
        raise FormatError("a step of the recipe has no method", where=path, remedy="Save it again.") from error


def _check(step: RecipeStep) -> None:
    """TypeError for a step whose parts are not what they must be."""
    parts = (step.params, step.inputs, step.outputs, step.hashes)
    words = [step.method, step.id, *step.inputs.values(), *step.outputs.values()]
    if not all(isinstance(p, dict) for p in parts) or not all(isinstance(w, str) for w in words):
        raise TypeError(step.method)
