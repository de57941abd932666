"""A push on generated rocks towards the joint distribution of geometric descriptors that real crops have."""

from __future__ import annotations

import torch

LAGS = (1, 2, 4, 8)  # voxels; the first one is a neighbour
AXES = (2, 3, 4)
DESCRIPTORS = 3 + len(LAGS)
MEMORY = 160  # rocks that the running moments look back on
NOISE = 0.01  # added to covariances of standardised descriptors, some of which are nearly sums of others
FARTHEST = 1.0  # standard deviations: what is farther off is pushed no harder


def descriptors(void: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Geometric descriptors (B, 7) of binary rocks (B, 1, D, H, W), and for each what it gains when a voxel is turned
    to void and not to solid (int8, of the shape of the rocks, per voxel of a rock and in units of its own).

    Porosity; how often two voxels 1, 2, 4 and 8 apart along an axis are both void (two-point probability; porosity
    less the first one is the specific surface); how often four in a square are; and the Euler number of the void,
    6-connected: vertices less edges plus squares less cubes (Michielsen and De Raedt, Physics Reports 347, 2001). All
    are counts per voxel of the rock.
    """
    v = void.to(torch.int8)
    pair_gains = [_total([_pair_gain(v, axis, k) for axis in AXES]) for k in LAGS]
    edges = [_both(v, axis, 1) for axis in AXES]
    planes = ((0, 1), (0, 2), (1, 2))
    squares = [_both(edges[i], AXES[j], 1) for i, j in planes]
    cube = _both(squares[0], AXES[2], 1)
    square_gain = _total([_pulled(_pair_gain(edges[i], AXES[j], 1), v, AXES[i]) for i, j in planes])
    cube_gain = _pulled(_pulled(_pair_gain(squares[0], AXES[2], 1), edges[0], AXES[1]), v, AXES[0])
    one, two, four = _count(v), _total([_count(e) for e in edges]), _total([_count(s) for s in squares])
    further = [_total([_count(_both(v, axis, k)) for axis in AXES]) for k in LAGS[1:]]
    gains = [torch.ones_like(v), *pair_gains, square_gain]
    euler_gain = 1 - pair_gains[0] + square_gain - cube_gain
    counts = [one, two, *further, four, one - two + four - _count(cube)]
    return torch.stack(counts, dim=1).double() / v[0].numel(), [*gains, euler_gain]


def _both(field: torch.Tensor, axis: int, lag: int) -> torch.Tensor:
    """Each voxel times the one ``lag`` further."""
    length = max(field.shape[axis] - lag, 0)
    return field.narrow(axis, 0, length) * field.narrow(axis, field.shape[axis] - length, length)


def _pair_gain(field: torch.Tensor, axis: int, lag: int) -> torch.Tensor:
    """What the count of pairs gains with each voxel: its neighbours on both sides."""
    return _pulled(torch.ones_like(_both(field, axis, lag)), field, axis, lag)


def _pulled(gain: torch.Tensor, field: torch.Tensor, axis: int, lag: int = 1) -> torch.Tensor:
    """The gain of pairs as the gain of their members."""
    length, out = gain.shape[axis], torch.zeros_like(field)
    first, second = (x.narrow(axis, 0, length) for x in (out, field))
    start = field.shape[axis] - length
    first += gain * field.narrow(axis, start, length)
    last = out.narrow(axis, start, length)
    last += gain * second
    return out


def _total(parts: list[torch.Tensor]) -> torch.Tensor:
    total = parts[0].clone()
    for part in parts[1:]:
        total += part
    return total


def _count(field: torch.Tensor) -> torch.Tensor:
    return field.sum((1, 2, 3, 4), dtype=torch.int64)


def root(matrix: torch.Tensor, power: float = 0.5) -> torch.Tensor:
    """A power of a symmetric positive matrix."""
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp_min(1e-12) ** power) @ vectors.T


def transport(own: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """The symmetric matrix that carries a normal distribution of covariance ``own`` to one of ``other`` along the
    shortest way (Peyre and Cuturi 2019, remark 2.31)."""
    half, back = root(own), root(own, -0.5)
    return back @ root(half @ other @ half) @ back


class MomentPush(torch.nn.Module):
    """Loss whose slope moves every rock of a batch to where its descriptors would lie among the real ones.

    The running mean and covariance of generated descriptors, and those of real crops, give the shortest affine way
    from one normal distribution to the other. What a rock lacks is pushed with a force of norm one per descriptor,
    as the critic's own slope has norm one (Gulrajani et al. 2017), in proportion below one standard deviation.
    """

    centre: torch.Tensor
    width: torch.Tensor
    real: torch.Tensor
    mean: torch.Tensor
    square: torch.Tensor
    weight: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        n = DESCRIPTORS
        for name, start in (
            ("centre", torch.zeros(n)),
            ("width", torch.ones(n)),
            ("real", torch.eye(n)),
            ("mean", torch.zeros(n)),
            ("square", torch.zeros(n, n)),
            ("weight", torch.zeros(())),
        ):
            self.register_buffer(name, start.double())

    def aim(self, real: torch.Tensor) -> None:
        """Take the descriptors (N, 7) of real crops as the aim, and forget the generated ones."""
        real = real.detach().double().to(self.centre.device)
        self.centre.copy_(real.mean(0))
        self.width.copy_(real.std(0).clamp_min(1e-9))
        one = (real - self.centre) / self.width
        self.real.copy_(one.T @ one / len(one))
        for part in (self.mean, self.square, self.weight):
            part.zero_()

    def forward(self, grey: torch.Tensor) -> torch.Tensor:
        """The loss of grey rocks in -1..1 (B, 1, D, H, W); its value has no meaning, its slope has.

        Descriptors, and what a voxel would change of them, are those of the thresholded rock; the grey one is moved
        ("straight through").
        """
        found, gains = descriptors(grey.detach() > 0)
        lack = self.lack(found).to(grey.dtype)
        field = torch.zeros_like(grey)
        for share, gain in zip(lack.T, gains, strict=True):
            slope = gain.to(grey.dtype)
            force = slope.flatten(1).norm(dim=1).clamp_min(1e-12)
            field.addcmul_((share / force)[:, None, None, None, None], slope)
        return -(field * grey).sum() / len(grey)

    @property
    def begun(self) -> bool:
        """Whether it has seen generated rocks."""
        return float(self.weight) > 0

    def distance(self) -> float:
        """Root mean square over the descriptors of the difference of means, in real standard deviations."""
        return float((self.mean / self.weight.clamp_min(1e-9)).square().mean().sqrt())

    @torch.no_grad()
    def lack(self, found: torch.Tensor) -> torch.Tensor:
        """What each rock (B, 7) lacks in real standard deviations, at most one; the running moments learn of them."""
        one = (found.double() - self.centre) / self.width
        share = min(len(one) / MEMORY, 1.0)
        self.weight.lerp_(torch.ones_like(self.weight), share)
        self.mean.lerp_(one.mean(0), share)
        self.square.lerp_(one.T @ one / len(one), share)
        mean = self.mean / self.weight
        own = self.square / self.weight - torch.outer(mean, mean)
        noise = NOISE * torch.eye(len(mean), dtype=one.dtype, device=one.device)
        wanted = (one - mean) @ transport(own + noise, self.real + noise)
        return (wanted - one).clamp(-FARTHEST, FARTHEST)
