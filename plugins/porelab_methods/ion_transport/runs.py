"""What the Methods do: nouns to solver and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from porelab_gui.core.errors import InputError, NotConverged
from porelab_gui.core.method import Inputs, Outputs
from porelab_gui.core.nouns import Column, Network, Table
from porelab_gui.core.progress import Progress
from porelab_methods.ion_transport import fit as fitting
from porelab_methods.ion_transport.closures import permeability
from porelab_methods.ion_transport.curves import curves
from porelab_methods.ion_transport.feed import Feed, make_feed, parse_feed, table_to_feed
from porelab_methods.ion_transport.ions import ion
from porelab_methods.ion_transport.pores import membrane_from_network, through_throats
from porelab_methods.ion_transport.presets import FEEDS
from porelab_methods.ion_transport.profiles import profiles
from porelab_methods.ion_transport.system import DAVIES, Conditions, Membrane, solve, steepest, water_flux

FIT_UNITS = {"pore_radius": "m", "thickness": "m", "charge": "mol/m3", "permittivity": "1"}


def the_feed(inputs: Inputs, params: Any) -> Feed:
    """The table of ions, else the composition, else the preset."""
    table = inputs.get("ions")
    if table is not None:
        return table_to_feed(table, params.balance)
    if params.composition:
        return parse_feed(params.composition, params.balance)
    return FEEDS[params.feed].feed()


def the_membrane(params: Any) -> Membrane:
    """From the parameters of a Method."""
    return Membrane(params.pore_radius, params.thickness, params.charge, params.permittivity)


def the_conditions(params: Any) -> Conditions:
    """From the parameters of a Method."""
    return Conditions(
        temperature=params.temperature,
        permittivity=params.feed_permittivity,
        activity=DAVIES if params.activity == "davies" else 0.0,
        transfer=params.mass_transfer or np.inf,
    )


def the_flux(feed: Feed, membrane: Membrane, conditions: Conditions, params: Any) -> float:
    """Water flux [m/s], given or found from the pressure; NotConverged where there is none."""
    if params.drive == "flux":
        return float(params.flux)
    flux = float(water_flux(feed.ions, feed.concentration, params.pressure, membrane, conditions)[0])
    if not np.isfinite(flux):
        raise NotConverged("no water flux was found for the pressure", remedy="Give the flux instead.")
    return flux


def run_solve(inputs: Inputs, params: Any, progress: Progress) -> Outputs:
    """``solve_dspm_de``."""
    feed, membrane, conditions = the_feed(inputs, params), the_membrane(params), the_conditions(params)
    flux = the_flux(feed, membrane, conditions, params)
    progress(0, 2, "solving")
    solution = solve(feed.ions, feed.concentration, flux, membrane, conditions, strict=True)
    progress(1, 2, "profiles")
    lines = profiles(solution, 0, params.points, conditions.temperature)
    columns = {"x": Column(lines["x"] * membrane.thickness, "m", "Depth from the feed side")}
    for k, name in enumerate(feed.names):
        columns[f"c.{name}"] = Column(lines["concentration"][:, k], "mol/m3", f"{name} in the pore")
    columns["potential"] = Column(lines["potential"], "V", "Potential against the feed")
    progress(2, 2, "solved")
    return {
        "rejections": _rejections(feed, solution, flux, membrane, conditions, lines),
        "profiles": Table(columns, name="profiles"),
    }


def _rejections(
    feed: Feed, solution: Any, flux: float, membrane: Membrane, conditions: Conditions, lines: dict[str, Any]
) -> Table:
    notes = [f"flux {flux:.6g} m/s", f"permeate charge residual {solution.neutrality()[0]:.1e} of its charge"]
    z = np.array([i.charge for i in feed.ions], float)
    inside, x = lines["concentration"], float(solution.problem.x[0])
    scale = np.abs(z * inside).sum(1) + abs(x)
    worst = float(np.max(np.abs((z * inside).sum(1) + x) / np.where(scale > 0, scale, 1.0)))
    notes.append(f"pore charge residual {worst:.1e} of its charge")
    wide = [i.name for i in feed.ions if i.radius >= float(np.min(membrane.pore_radius))]
    if wide:
        notes.append(f"{', '.join(wide)}: as wide as the pore or wider, held back altogether")
    if flux == 0.0:
        notes.append("no flux: the permeate is in equilibrium with the feed")
    if not solution.settled[0]:
        tight, peclet = steepest(solution.problem, 0)
        notes.append(
            f"{feed.names[tight]} all but fills the pore: its Peclet number is held at {peclet:.4g}, "
            "and the rejections still move with it"
        )
    trace = [n for n, c in zip(feed.names, feed.concentration, strict=True) if c == 0]
    if trace:
        notes.append(f"{', '.join(trace)}: not in the feed, the rejection is the limit of a trace")
    lp = float(permeability(membrane.pore_radius, membrane.thickness, conditions.viscosity))
    notes.append(f"water permeability of the pores {lp:.4g} m/(s Pa)")
    columns = {
        "ion": Column(np.array(feed.names), "", "Ion"),
        "charge": Column(z, "1", "Charge"),
        "feed": Column(feed.concentration, "mol/m3", "In the feed"),
        "membrane_side": Column(solution.membrane_side[0], "mol/m3", "In the feed at the membrane"),
        "permeate": Column(solution.permeate[0], "mol/m3", "In the permeate"),
        "rejection": Column(solution.rejection[0], "1", "Observed rejection"),
        "intrinsic": Column(solution.intrinsic[0], "1", "Intrinsic rejection"),
    }
    return Table(columns, tuple(notes), name="rejections")


def run_curves(inputs: Inputs, params: Any, progress: Progress) -> Outputs:
    """``ion_curves``."""
    feed, membrane, conditions = the_feed(inputs, params), the_membrane(params), the_conditions(params)
    flux = the_flux(feed, membrane, conditions, params)
    found = curves(feed, membrane, flux, conditions, points=params.curve_points)
    progress(1, 1, "solved")

    def table(name: str, key: str, unit: str, x: Any, rejection: Any) -> Table:
        columns = {key: Column(x, unit)}
        columns |= {f"rejection.{n}": Column(rejection[:, k], "1") for k, n in enumerate(feed.names)}
        return Table(columns, name=name)

    return {
        "by_flux": table("by_flux", "flux", "m/s", found.flux, found.by_flux),
        "by_radius": table("by_radius", "pore_radius", "m", found.radius, found.by_radius),
    }


def measurements_from(table: Table, sigma: float) -> list[fitting.Measurement]:
    """Experiments of a table with columns ion, feed, flux, rejection (and experiment, sigma); rows of one experiment
    share a flux. InputError for a missing column or cell; a missing rejection is an ion that was not measured."""
    for key in ("ion", "feed", "flux", "rejection"):
        if key not in table.columns:
            raise InputError(f"the table of rejections has no column {key!r} (it has {', '.join(table.columns)})",
                             where=table.name or "measured")  # fmt: skip
    for key in ("feed", "flux"):
        _refuse_gaps(table, key)
    count = len(table)
    groups = table["experiment"] if "experiment" in table.columns else np.asarray(table["flux"])
    spread = np.asarray(table["sigma"], float) if "sigma" in table.columns else np.full(count, sigma)
    made = []
    for group in dict.fromkeys(groups.tolist()):
        rows = [k for k in range(count) if groups[k] == group]
        made.append(_measurement(table, rows, np.where(spread[rows] > 0, spread[rows], sigma)))
    return made


def _refuse_gaps(table: Table, key: str) -> None:
    """InputError naming the first row in which a column has no number."""
    for row, value in enumerate(table[key]):
        try:
            known = np.isfinite(float(value))
        except (TypeError, ValueError):
            known = False
        if not known:
            where = f"{table.name or 'measured'}, row {row + 1}"
            raise InputError(f"the {key} of {table['ion'][row]} is missing", where=where, remedy="Fill the cell.")


def _measurement(table: Table, rows: list[int], sigma: np.ndarray) -> fitting.Measurement:
    flux = np.asarray(table["flux"], float)[rows]
    where = f"{table.name or 'measured'}, row {rows[0] + 1}"
    if not np.isfinite(flux).all() or np.ptp(flux) > 1e-9 * np.abs(flux).max():
        raise InputError("the rows of one experiment need one flux", where=where, remedy="Fill the column flux [m/s].")
    if flux[0] < 0:
        raise InputError(
            f"the flux {flux[0]:g} m/s is negative", where=where, remedy="Count flux from feed to permeate."
        )
    feed = make_feed([ion(str(n)) for n in table["ion"][rows]], np.asarray(table["feed"], float)[rows].tolist())
    return fitting.Measurement(feed, float(flux[0]), np.asarray(table["rejection"], float)[rows], sigma)


def run_fit(inputs: Inputs, params: Any, progress: Progress) -> Outputs:
    """``fit_membrane``."""
    measured = measurements_from(inputs["measured"], params.sigma)
    switches = (params.fit_radius, params.fit_thickness, params.fit_charge, params.fit_permittivity)
    free = tuple(n for n, on in zip(fitting.NAMES, switches, strict=True) if on)
    if not free:
        raise InputError("no parameter is left to fit", where="fit_membrane", remedy="Switch one on.")
    found = fitting.fit_membrane(
        measured, free=free, confidence=params.confidence, starts=params.starts, seed=params.seed, progress=progress
    )
    notes = [f"root mean square error {found.rmse:.4f} over {sum(np.isfinite(m.rejection).sum() for m in measured)}"]
    if found.at_bound:
        notes.append(f"{', '.join(found.at_bound)}: ended at a bound, the data do not fix it")
    membrane = Table(
        {
            "parameter": Column(np.array(found.free)),
            "value": Column(np.array([getattr(found.membrane, n) for n in found.free])),
            "lower": Column(np.array([found.lower[n] for n in found.free])),
            "upper": Column(np.array([found.upper[n] for n in found.free])),
            "unit": Column(np.array([FIT_UNITS[n] for n in found.free])),
        },
        tuple(notes),
        name="membrane",
    )
    return {"membrane": membrane, "comparison": _comparison(measured, found)}


def _comparison(measured: list[fitting.Measurement], found: fitting.Fit) -> Table:
    names = np.concatenate([m.feed.names for m in measured])
    rows = np.concatenate([np.full(len(m.feed.ions), k + 1) for k, m in enumerate(measured)])
    return Table(
        {
            "experiment": Column(rows, "1"),
            "ion": Column(names),
            "measured": Column(np.concatenate([m.rejection for m in measured]), "1"),
            "fitted": Column(np.concatenate(found.predicted), "1"),
        },
        name="comparison",
    )


def run_network(inputs: Inputs, params: Any, progress: Progress) -> Outputs:
    """``ions_through_network``."""
    network: Network = inputs["network"]
    feed = the_feed(inputs, params)
    membrane = membrane_from_network(
        network,
        charge=params.charge,
        permittivity=params.permittivity,
        thickness=params.layer or None,
        scale=params.scale,
    )
    progress(0, 1, f"{network.n_throats} throats")
    spread = through_throats(membrane, feed, params.flux, the_conditions(params))
    columns = {
        f"rejection.{n}": Column(spread.rejection[:, k], "1", f"Rejection of {n}") for k, n in enumerate(feed.names)
    }
    progress(1, 1, "solved")
    quartiles = np.nanpercentile(spread.rejection, [5, 50, 95], axis=0)
    table = Table(
        {
            "ion": Column(np.array(feed.names)),
            "mixed": Column(spread.mixed, "1", "Rejection of all permeates together, weighted by flow"),
            **{
                f"p{q:02d}": Column(v, "1", f"{q} % of throats are below")
                for q, v in zip((5, 50, 95), quartiles, strict=True)
            },
        },
        (f"{np.isfinite(spread.rejection).all(1).sum()} of {network.n_throats} throats solved",),
        name="rejections",
    )
    return {"network": network.with_throats(columns), "rejections": table}
