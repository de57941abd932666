"""What K or F would be if a class of throats conducted better or worse: quick re-solves, and a change that is kept."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from porelab_gui.core.errors import ParameterError
from porelab_gui.core.method import param
from porelab_gui.core.nouns import Column, Network
from porelab_gui.core.transport.pnm.axis import network_system
from porelab_gui.core.transport.pnm.backends import pardiso
from porelab_gui.core.transport.pnm.circuit import Floats, still_nodes
from porelab_gui.core.transport.pnm.family import Family, Point
from porelab_gui.core.transport.pnm.kinds import DIFFUSION, FLOW, Kind, conductance_column
from porelab_gui.core.transport.pnm.throat_classes import ClassParams, describe, throat_class

_FACTOR_MOST = 200_000  # pores up to which even a lattice's factor fits and substitutes quickly


class ChangeParams(ClassParams):
    """A class of throats, how much better it conducts, and where the result is kept."""

    law: str = param(
        "",
        "Conductance to change: a whole column, or the name of a law (hydraulic); empty for the network's first.",
        choices_from="throat",
    )
    factor: float = param(
        1.0, "The conductances of the class are multiplied by this; 0 closes its throats.", unit="1", ge=0, le=1e6
    )
    result: str = param("what_if", "Name of the new conductance; the column that it comes from stays as it is.")


def kind_of(network: Network, law: str) -> Kind:
    """Flow or diffusion, by the column that ``law`` names."""
    if law.startswith(DIFFUSION.prefix + "."):
        return DIFFUSION
    if law.startswith(FLOW.prefix + ".") or any(k.startswith(FLOW.prefix + ".") for k in network.throats):
        return FLOW
    return DIFFUSION


def changed(network: Network, params: ChangeParams) -> Network:
    """``network`` with one more conductance column, ``g_hydraulic.<result>`` or ``g_diffusive.<result>``.

    Raises ParameterError when that name belongs to a column that was not made here.
    """
    kind = kind_of(network, params.law)
    key, column, _ = conductance_column(network, params.law, kind)
    name = f"{kind.prefix}.{params.result}"
    if not params.result or (name in network.throats and "changed_from" not in network.throats[name].meta):
        raise ParameterError(
            f"the network has a column {name!r} already" if params.result else "the result has no name",
            where="result",
            remedy="Choose another name.",
        )
    mask = throat_class(network, params)
    g = np.where(mask, params.factor * column.values, column.values)
    words = f"{params.factor:g} x {describe(params)}"
    before = column.meta.get("change", "")
    meta = {**column.meta, "law": params.result, "changed_from": key, "change": f"{before}; {words}".lstrip("; ")}
    title = f"{'hydraulic' if kind is FLOW else 'diffusive'} conductance, {params.result.replace('_', ' ')} ({words})"
    return network.with_throats({name: Column(g, column.unit, title, meta)})


@dataclass(frozen=True)
class Answer:
    """K [m2] or F at one position of the slider; ``ratio`` to that of the unchanged network; ``seconds`` it took."""

    value: float
    ratio: float
    seconds: float


class WhatIf:
    """One axis of one network under one conductance, ready to be solved again for changed conductances.

    The first answers for a class take a factorisation now and then; ``prepare`` makes all that follow quick.
    Raises what ``solve_flow`` raises, already when it is made. Not to be shared between threads.
    """

    def __init__(self, network: Network, law: str, axis: str, boundary: str, backend: str = "auto") -> None:
        self.kind = kind_of(network, law)
        self.key, column, self._fluid = conductance_column(network, law, self.kind)
        if backend == "auto" and network.n_pores <= _FACTOR_MOST and pardiso.available():
            backend = "pardiso"  # a factor serves many positions of the slider, on lattices too
        self.system = network_system(network, self.key, axis, boundary, self.kind, backend)
        self._g: Floats = np.asarray(column.values, np.float64)
        self.base = self._shown(self.system.solve(self._g).value)
        self._family: tuple[NDArray[np.bool_], Family] | None = None

    def answer(self, throats: NDArray[np.bool_], factor: float) -> Answer:
        """The value with the conductances of ``throats`` (Nt,) multiplied by ``factor`` (0 closes them)."""
        begin = time.perf_counter()
        value = self._shown(self._value(throats, factor))
        with np.errstate(invalid="ignore"):
            ratio = float(np.divide(value, self.base))
        return Answer(value, ratio, time.perf_counter() - begin)

    def prepare(self, throats: NDArray[np.bool_]) -> bool:
        """One more solve of what later answers for the class stand on; False when there is no more to do."""
        family = self.family(throats)
        factor = family.next_unknown() if family is not None else None
        if factor is None:
            return False
        self._value(throats, factor)
        return True

    def _value(self, throats: NDArray[np.bool_], factor: float) -> float:
        family = self.family(throats)
        if factor == 0 and not self._open(np.where(throats, 0.0, self._g)):
            if family is not None:
                family.known[0.0] = Point(0.0, 0.0, 0)
            return 0.0
        return self.system.what_if(throats, factor).value if family is None else family.point(factor).value

    def family(self, throats: NDArray[np.bool_]) -> Family | None:
        """The solutions for this class so far; None where the back end has no factor to keep."""
        if not self.system.direct:
            return None
        if self._family is None or not np.array_equal(self._family[0], throats):
            self._family = throats.copy(), Family(self.system, throats)
        return self._family[1]

    def _open(self, g: Floats) -> bool:
        """Whether some path is left; a closed sample conducts nothing, which is an answer and no fault."""
        circuit = self.system.circuit
        now = still_nodes(circuit, np.concatenate([g, self.system.tail]) > 0)
        held = circuit.fixed[circuit.ends]
        direct = (np.concatenate([g, self.system.tail]) > 0) & (np.abs(held[:, 0] - held[:, 1]) == 1)
        return bool(np.isnan(now).any() or direct.any())

    def _shown(self, value: float) -> float:
        if self.kind is FLOW:
            return value
        return self._fluid / value if value > 0 else np.inf
