"""Properties that every back end must have: balance, reciprocity, Euler's identity, derivatives."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from pnm_cases import cubic_network

from porelab_gui.core.errors import InputError, NotConverged, ParameterError
from porelab_gui.core.transport.pnm import autograd
from porelab_gui.core.transport.pnm.axis import network_system
from porelab_gui.core.transport.pnm.backends import BACKENDS, available, make_solver, pardiso
from porelab_gui.core.transport.pnm.batch import BatchSystem
from porelab_gui.core.transport.pnm.circuit import Circuit
from porelab_gui.core.transport.pnm.kinds import FLOW
from porelab_gui.core.transport.pnm.system import PnmSystem

HERE = [name for name in BACKENDS if name in available()]


def case(backend="auto", seed=0, shape=(4, 5, 4), boundary="reservoirs", axis="z"):
    """A system on a random network, its conductances scaled to about 1."""
    network = cubic_network(seed=seed, shape=shape, spread=0.7, keep=0.9)
    system = network_system(network, "test", axis, boundary, FLOW, backend)
    system.tail = system.tail * 1e13
    system.scale = 1.0
    return system, network.throat("g_hydraulic.test") * 1e13


@pytest.fixture(params=HERE)
def backend(request):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the networks are tiny: threads would only wait for each other
    yield request.param
    torch.set_num_threads(threads)


def test_balance_and_euler(backend):
    system, g = case(backend, shape=(7, 7, 7))
    s = system.solve(g)
    assert s.flow_in == pytest.approx(s.flow_out, rel=1e-10)
    assert s.flow_in == pytest.approx(s.total, rel=1e-8)
    assert s.residual < 1e-10
    # K is homogeneous of degree 1 in all conductances, those of the half conduits included
    assert (s.g * s.gradient).sum() == pytest.approx(system.K, rel=1e-10)
    assert s.shares.sum() == pytest.approx(1, abs=1e-12)
    assert system.solve(3 * g).total < 3 * s.total  # the tail did not scale


def test_gradient_is_that_of_finite_differences(backend):
    system, g = case(backend)
    system.solve(g)
    gradient = system.gradient
    for e in np.random.default_rng(1).choice(len(g), 6, replace=False):
        step = 1e-4 * g[e]
        high, low = g.copy(), g.copy()
        high[e] += step
        low[e] -= step
        slope = (system.solve(high).total - system.solve(low).total) / (2 * step)
        assert slope == pytest.approx(gradient[e], rel=2e-5, abs=1e-8 * gradient.max())


def test_gradcheck_of_permeability(backend):
    system, g = case(backend, shape=(3, 2, 3))
    x = torch.tensor(g, requires_grad=True)
    assert torch.autograd.gradcheck(lambda y: autograd.permeability(system, y), (x,), eps=1e-5, rtol=1e-5, atol=1e-8)


def test_gradcheck_of_pressures_and_flows(backend):
    system, g = case(backend, shape=(3, 3, 3))
    x = torch.tensor(g, requires_grad=True)
    check = {"eps": 1e-5, "rtol": 1e-4, "atol": 1e-7}
    assert torch.autograd.gradcheck(lambda y: autograd.potentials(system, y)[::4], (x,), **check)
    assert torch.autograd.gradcheck(lambda y: autograd.flows(system, y)[::9], (x,), **check)


def test_general_adjoint_agrees_with_the_closed_form(backend):
    """The inflow, differentiated through the adjoint, has the gradient of the dissipation formula."""
    system, g = case(backend, boundary="centres", shape=(5, 5, 5))
    x = torch.tensor(g, requires_grad=True)
    fixed, ends = system.circuit.fixed, system.circuit.ends
    sign = torch.tensor((fixed[ends[:, 0]] == 1) * 1.0 - (fixed[ends[:, 1]] == 1) * 1.0)
    (autograd.flows(system, x) * sign).sum().backward()
    system.solve(g)
    assert x.grad.numpy() == pytest.approx(system.gradient, rel=1e-6, abs=1e-8 * system.gradient.max())


def test_adjoint_survives_a_solve_in_between(backend):
    """Backward after another forward on the same system uses the conductances of its own forward."""
    system, g = case(backend, shape=(4, 4, 4))
    x = torch.tensor(g, requires_grad=True)
    first = autograd.potentials(system, x)[7]
    system.solve(g[::-1].copy())
    first.backward()
    y = torch.tensor(g, requires_grad=True)
    autograd.potentials(system, y)[7].backward()
    assert x.grad.numpy() == pytest.approx(y.grad.numpy(), rel=1e-7, abs=1e-12)


def test_reciprocity(backend):
    """Swapping inlet and outlet leaves the total; unit sources at a and b see each other alike."""
    system, g = case(backend, boundary="centres", shape=(5, 5, 5))
    swapped = PnmSystem(Circuit(system.circuit.ends, 1 - system.circuit.fixed), backend=backend)
    s = system.solve(g)
    assert swapped.solve(g).total == pytest.approx(s.total, rel=1e-9)
    a, b = system.pattern.nodes[[3, -4]]
    source = np.zeros((system.circuit.n_nodes, 2))
    source[a, 0] = source[b, 1] = 1
    seen = system.adjoint(source, s)
    assert seen[b, 0] == pytest.approx(seen[a, 1], rel=1e-7)


def test_backends_agree(backend):
    reference, g = case("superlu", shape=(8, 8, 8), seed=4)
    system, _ = case(backend, shape=(8, 8, 8), seed=4)
    a, b = reference.solve(g), system.solve(g)
    assert b.total == pytest.approx(a.total, rel=1e-10)
    assert b.potential == pytest.approx(a.potential, abs=1e-7)


def test_several_axes_at_once():
    network = cubic_network(seed=1, shape=(4, 4, 5), spread=0.5)
    systems = [network_system(network, "test", axis, "centres", FLOW) for axis in "zyx"]
    x = torch.tensor(network.throat("g_hydraulic.test"), requires_grad=True)
    k = autograd.permeabilities(systems, x)
    weights = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    (k * weights).sum().backward()
    expected = sum(w * s.gradient for w, s in zip((1.0, -2.0, 0.5), systems, strict=True))
    assert x.grad.numpy() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("boundary", ["reservoirs", "centres"])
def test_a_batch_equals_its_members(boundary):
    cases = [case(seed=s, shape=(3 + s, 4, 4), boundary=boundary) for s in range(4)]
    batch = BatchSystem([system for system, _ in cases])
    g = torch.tensor(np.concatenate([g for _, g in cases]), requires_grad=True)
    k = autograd.batch_permeability(batch, g)
    (torch.log(k) ** 2).sum().backward()
    pieces = np.split(g.grad.numpy(), batch.splits)
    for i, (system, own) in enumerate(cases):
        value = system.solve(own).value
        assert k[i].item() == pytest.approx(value, rel=1e-11)
        assert pieces[i] == pytest.approx(2 * np.log(value) / value * system.gradient, rel=1e-8, abs=1e-14)


def test_single_precision_in_and_out():
    system, g = case()
    x = torch.tensor(g, dtype=torch.float32, requires_grad=True)
    k = autograd.permeability(system, x)
    k.backward()
    assert k.dtype == x.grad.dtype == torch.float32
    assert k.item() == pytest.approx(system.solve(g).total, rel=1e-6)


def test_what_if_is_a_fresh_solve_and_keeps_the_base(backend):
    system, g = case(backend, shape=(6, 6, 6))
    base = system.solve(g).total
    chosen = np.arange(0, len(g), 3)
    for factor in (0.1, 10.0, 0.0):
        changed = g.copy()
        changed[chosen] *= factor
        fresh, _ = case(backend, shape=(6, 6, 6))
        assert system.what_if(chosen, factor).total == pytest.approx(fresh.solve(changed).total, rel=1e-9)
    assert system.solution.total == base


def test_closing_throats_cuts_pores_off_without_touching_the_rest(backend):
    """A slider at zero may cut off whole clusters; the pattern stays, the answer is that of the trimmed network."""
    system, g = case(backend, shape=(6, 6, 6), boundary="centres")
    system.solve(g)
    ends = system.circuit.ends
    pore = int(system.pattern.nodes[len(system.pattern.nodes) // 2])
    around = np.flatnonzero((ends == pore).any(axis=1))
    s = system.what_if(around, 0.0)
    assert np.isnan(s.potential[pore])
    keep = np.ones(len(ends), bool)
    keep[around] = False
    trimmed = PnmSystem(Circuit(ends[keep], system.circuit.fixed), backend=backend)
    assert s.total == pytest.approx(trimmed.solve(g[keep]).total, rel=1e-9)


def test_closing_everything_is_no_permeability():
    system, g = case(boundary="centres")
    system.solve(g)
    with pytest.raises((NotConverged, InputError)):
        system.what_if(np.arange(len(g)), 0.0)


def test_a_solver_that_lies_is_caught():
    """Any solver whose answer misses the equations is refused, whatever it says about itself."""

    class Liar:
        name, direct = "liar", True

        def update(self, values):
            pass

        def solve(self, b, tolerance):
            return np.zeros_like(b)

    system, g = case(boundary="centres")
    with pytest.raises(NotConverged, match="liar"):
        PnmSystem(system.circuit, maker=lambda pattern: Liar()).solve(g)


def test_iterations_that_run_out_are_an_error(monkeypatch):
    from porelab_gui.core.transport.pnm.backends import amg

    monkeypatch.setattr(amg, "_MOST", 1)
    system, g = case("amg", shape=(8, 8, 8))
    with pytest.raises(NotConverged, match="multigrid CG"):
        system.solve(g)


def test_without_mkl_the_fallback_is_named(monkeypatch):
    monkeypatch.setattr(pardiso, "available", lambda: False)
    system, g = case()
    assert "superlu" not in system.note and "SuperLU was used" in system.note
    assert system.solve(g).solver == "superlu"
    with pytest.raises(InputError, match="MKL"):
        make_solver(system.pattern, "pardiso")
    with pytest.raises(ParameterError, match="no back end"):
        make_solver(system.pattern, "umfpack")


def test_cuda_is_refused_where_there_is_none():
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(InputError, match="no CUDA device"):
        case("cuda")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_cg_on_the_device_agrees_with_cholesky():
    reference, g = case("superlu", shape=(20, 20, 20), seed=2)
    system, _ = case("cuda", shape=(20, 20, 20), seed=2)
    a, b = reference.solve(g), system.solve(g)
    assert b.solver == "torch_cg (cuda)" and b.total == pytest.approx(a.total, rel=1e-9)
    assert b.gradient == pytest.approx(a.gradient, rel=1e-5, abs=1e-8 * a.gradient.max())


def test_plain_ldl_is_for_small_networks_only(monkeypatch):
    """A batch with one large member goes to another solver, and a factor that is too large is refused."""
    from porelab_gui.core.transport.pnm.backends import choose, ldl

    systems = [case(seed=s, shape=(5, 5, 5))[0] for s in range(3)]
    assert BatchSystem(systems)._system._solver.name == "ldl"
    monkeypatch.setattr(choose, "_SMALL", 25)
    assert BatchSystem(systems)._system._solver.name != "ldl"
    monkeypatch.setattr(ldl, "MOST_PRODUCTS", 10)
    with pytest.raises(InputError, match="small networks"):
        case("ldl")


def test_ldl_gives_the_same_bits_for_any_number_of_threads():
    from porelab_gui.core.transport.pnm.backends.ldl import SimplicialLDL

    cases = [case(seed=s, shape=(4, 4, 4 + s)) for s in range(5)]
    batch = BatchSystem([system for system, _ in cases], backend="superlu")
    pattern = batch._system.pattern
    values = batch._system._assemble(np.concatenate([*(g for _, g in cases), batch._system.tail])).values
    found = []
    for threads in (1, 3):
        solver = SimplicialLDL(pattern, threads)
        solver.update(values)
        found.append(solver.solve(np.ones(pattern.n), 0.0))
    assert len(solver._shares) == 3 and (found[0] == found[1]).all()


HUBS = """
import numpy as np
import torch

torch.ones(3) @ torch.ones(3)  # its threads are up
from porelab_gui.core.transport.pnm.circuit import Circuit
from porelab_gui.core.transport.pnm.system import PnmSystem

n, rng = 8000, np.random.default_rng(0)
later = np.arange(2, n)
pairs = [np.stack([later, (rng.random(n - 2) ** 2 * later).astype(int)], axis=1) for _ in range(2)]
ends = np.unique(np.sort(np.concatenate(pairs), axis=1), axis=0)
ends = ends[ends[:, 0] != ends[:, 1]]
fixed = np.full(n, np.nan)
fixed[:20], fixed[-20:] = 1, 0
system = PnmSystem(Circuit(ends, fixed), backend="pardiso")
assert 0 < system.solve(10 ** rng.normal(size=len(ends))).total < np.inf
"""


@pytest.mark.skipif("pardiso" not in available(), reason="MKL is not installed")
def test_pardiso_lives_beside_torch_on_a_network_with_hubs():
    """In a process of its own: what went wrong here ended the process."""
    done = subprocess.run([sys.executable, "-c", HUBS], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]
