"""What a generator can make: a sample of its rocks, measured once, and a regression of their properties on style."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.cache import Cache, default_cache, key_of
from porelab_gui.core.errors import InputError
from porelab_gui.core.progress import Progress, silent
from porelab_methods.rock_gan.maker import Latent, Maker
from porelab_methods.rock_gan.properties import find_property, measure
from porelab_methods.rock_gan.targets import Wish

Floats = NDArray[np.float64]
SHAKEN, SHAKE = 10, 0.1  # rocks that are measured again with another style, and how far off that one is
REACH = 3.0  # length, in standard deviations, of the styles that probe the ends of the range
RIDGES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
VERSION = 4


@dataclass(frozen=True)
class Survey:
    """Styles (n, k) of rocks and their properties by name, (n,) each in SI, the probes of the ends among them.

    ``noises`` (n,) and ``seed`` say which noise each rock has; ``shaken`` are the properties of the first rocks with
    almost the same style.
    """

    styles: Floats
    values: dict[str, Floats]
    noises: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    seed: int = 0
    shaken: dict[str, Floats] = field(default_factory=dict)

    def latent(self, maker: Maker, i: int) -> Latent:
        """The latent of a measured rock."""
        return _drawn(maker, self.seed, int(self.noises[i])).with_style(self.styles[i])

    def span(self, name: str) -> tuple[float, float]:
        """Smallest and largest finite value."""
        good = self.values[name][np.isfinite(self.values[name])]
        return (float(good.min()), float(good.max())) if len(good) else (np.nan, np.nan)


def survey(
    maker: Maker,
    names: Sequence[str],
    count: int,
    seed: int = 0,
    progress: Progress = silent,
    cache: Cache | None = None,
) -> Survey:
    """Measure ``count`` random rocks and two probes per property; kept on disk under what they depend on."""
    cache = cache or default_cache()
    key = key_of("rock_gan survey", VERSION, maker.key, *sorted(names), count, seed)
    kept = cache.get(key)
    if kept is not None and set(names) | {"style", "noise"} <= set(kept):
        shaken = {n: kept[f"shaken {n}"] for n in names}
        return Survey(kept["style"], {n: kept[n] for n in names}, kept["noise"], seed, shaken)
    done = _Surveyor(maker, names, count, seed, progress).run()
    shaken = {f"shaken {n}": v for n, v in done.shaken.items()}
    cache.put(key, {"style": done.styles, "noise": done.noises, **done.values, **shaken})
    return done


class _Surveyor:
    def __init__(self, maker: Maker, names: Sequence[str], count: int, seed: int, progress: Progress) -> None:
        self.maker, self.names, self.count, self.seed, self.progress = maker, names, count, seed, progress
        self.styles: list[Floats] = []
        self.rows: list[dict[str, float]] = []
        self.noises: list[int] = []

    def run(self) -> Survey:
        for i in range(self.count):
            style = _drawn(self.maker, self.seed, i).style.ravel().astype(float)
            self._add(i, style, f"measuring what the generator makes, rock {i + 1}")
        first = self._so_far()
        shaken = [self._shaken(i) for i in range(min(SHAKEN, self.count))]
        for k, name in enumerate(self.names):
            for sign in (-1.0, 1.0):
                self._add(k % self.count, sign * REACH * uphill(first, name), f"looking for the ends of {name}")
        again = {n: np.array([row[n] for row in shaken]) for n in self.names}
        return replace(self._so_far(), noises=np.array(self.noises), seed=self.seed, shaken=again)

    def _so_far(self) -> Survey:
        return Survey(np.array(self.styles), {n: np.array([row[n] for row in self.rows]) for n in self.names})

    def _add(self, number: int, style: Floats, words: str) -> None:
        self.rows.append(self._measured(number, style, words))
        self.styles.append(style)
        self.noises.append(number)

    def _shaken(self, number: int) -> dict[str, float]:
        style = shaken_style(self.styles[number], self.seed, number)
        return self._measured(number, style, "measuring how rocks of almost one style differ")

    def _measured(self, number: int, style: Floats, words: str) -> dict[str, float]:
        self.progress(len(self.rows), self.count + 2 * len(self.names), words)
        return measure(self.maker.rock(_drawn(self.maker, self.seed, number).with_style(style)), self.names)


def shaken_style(style: Floats, seed: int, number: int) -> Floats:
    """Almost the style of rock ``number``: ``SHAKE`` off in a direction of its own."""
    aside = np.random.default_rng((seed, number, 1)).standard_normal(len(style))
    return np.asarray(style + SHAKE * aside / np.linalg.norm(aside))


def _drawn(maker: Maker, seed: int, number: int) -> Latent:
    return maker.draw(np.random.default_rng((seed, number)))


def uphill(found: Survey, name: str) -> Floats:
    """Unit direction in which a property rises fastest at the mean rock."""
    slope = regression(found, (name,)).slopes(np.zeros(found.styles.shape[1]))[0]
    length = float(np.linalg.norm(slope))
    return slope / length if length > 0 else np.eye(len(slope))[0]


def refuse_out_of_reach(found: Survey, wishes: Sequence[Wish]) -> None:
    """InputError that names the range which the generator reaches, when a wish lies outside it."""
    for wish in wishes:
        low, high = found.span(wish.property.name)
        if not (low - wish.tolerance <= wish.low and wish.high <= high + wish.tolerance):  # NaN is refused too
            p = wish.property
            unit = "" if p.label in ("", "1") else f" {p.label}"
            asked = " to ".join(f"{v / p.factor:.4g}" for v in dict.fromkeys((wish.low, wish.high)))
            ends = f"from {low / p.factor:.4g} to {high / p.factor:.4g}{unit}"
            raise InputError(
                f"{p.title} {asked}{unit} is out of reach: this generator makes rocks of this size "
                f"{ends if np.isfinite(low) else 'without a value'} ({len(found.styles)} rocks measured)",
                where="targets",
                remedy="Ask for a value in that range, for smaller rocks, or train on a stack that has such places.",
            )


@dataclass(frozen=True)
class Regression:
    """Quadratic ridge regression of m properties (logarithms where ``logs``) on k style numbers.

    ``jitter`` (m,): by how much a property of a rock jumps, whatever small step its style takes (standard deviation).
    """

    weights: Floats  # (features, m)
    centre: Floats  # (m,)
    scale: Floats  # (m,)
    logs: tuple[bool, ...]
    error: Floats = field(default_factory=lambda: np.zeros(0))  # (m,) leave-one-out error, in the fitted unit
    jitter: Floats = field(default_factory=lambda: np.zeros(0))

    def predict(self, style: Floats) -> Floats:
        """Properties (m,) of one style, as they are fitted (logarithms stay)."""
        return np.asarray(_features(style[None])[0] @ self.weights * self.scale + self.centre)

    def slopes(self, style: Floats) -> Floats:
        """Derivatives (m, k) of the fitted properties."""
        k = len(style)
        linear, square = self.weights[1 : 1 + k], self.weights[1 + k : 1 + 2 * k]
        return np.asarray(((linear + 2 * style[:, None] * square) * self.scale).T)

    def fitted(self, values: Floats) -> Floats:
        """Properties in the form they are fitted in."""
        return np.array([np.log(max(v, 1e-300)) if log else v for v, log in zip(values, self.logs, strict=True)])


def _features(styles: Floats) -> Floats:
    return np.concatenate([np.ones((len(styles), 1)), styles, styles**2 - 1.0], axis=1)


def regression(found: Survey, names: Sequence[str]) -> Regression:
    """Fitted to a survey; the ridge that leaves out best (closed form) is taken. Rocks without a value are left out."""
    logs = tuple(find_property(n).log for n in names)
    y = _columns(found.values, names, logs)
    good = np.isfinite(y).all(axis=1)
    if good.sum() < 4:
        raise InputError("too few of the measured rocks have these properties", where="targets",
                         remedy="Ask for other properties, or for larger rocks.")  # fmt: skip
    x, y = _features(found.styles[good]), y[good]
    centre, scale = y.mean(0), np.where(y.std(0) > 0, y.std(0), 1.0)
    fits = [_ridge(x, (y - centre) / scale, ridge) for ridge in RIDGES]
    weights, error = min(fits, key=lambda f: float(f[1].sum()))
    fitted = Regression(weights, centre, scale, logs, error * scale)
    return replace(fitted, jitter=_jitter(found, names, fitted))


def _columns(values: dict[str, Floats], names: Sequence[str], logs: Sequence[bool]) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.array([np.log(values[n]) if log else values[n] for n, log in zip(names, logs, strict=True)]).T


def _jitter(found: Survey, names: Sequence[str], fitted: Regression) -> Floats:
    """Standard deviation of one measurement, from pairs of rocks of almost one style: what the slopes do not say."""
    if not found.shaken:
        return np.zeros(len(names))
    again = _columns(found.shaken, names, fitted.logs)
    gap = again - _columns(found.values, names, fitted.logs)[: len(again)]
    for i, style in enumerate(found.styles[: len(again)]):
        gap[i] -= fitted.predict(shaken_style(style, found.seed, i)) - fitted.predict(style)
    gap = gap[np.isfinite(gap).all(axis=1)]
    return np.sqrt(np.mean(gap**2, axis=0) / 2.0) if len(gap) else np.zeros(len(names))


def _ridge(x: Floats, y: Floats, ridge: float) -> tuple[Floats, Floats]:
    """Weights and leave-one-out errors (m,); the constant is not penalised."""
    penalty = ridge * np.eye(x.shape[1])
    penalty[0, 0] = 1e-9
    inverse = np.linalg.inv(x.T @ x + penalty)
    weights = inverse @ x.T @ y
    leverage = np.clip(np.einsum("ij,jk,ik->i", x, inverse, x), 0.0, 1.0 - 1e-6)
    left_out = (y - x @ weights) / (1.0 - leverage)[:, None]
    return weights, np.sqrt(np.mean(left_out**2, axis=0))
