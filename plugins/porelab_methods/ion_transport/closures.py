"""The closed forms of DSPM-DE: hindrance, steric and Born partitioning, activity, water flux.

Every function takes numpy arrays, or torch tensors with ``xp=torch``, so that there is one spelling of each formula
for the solver and for its gradients. SI units.
"""

from __future__ import annotations

from typing import Any

import numpy as np

ELEMENTARY_CHARGE = 1.602176634e-19  # C
BOLTZMANN = 1.380649e-23  # J/K
VACUUM_PERMITTIVITY = 8.8541878128e-12  # F/m
GAS_CONSTANT = 8.314462618  # J/(mol K)
FARADAY = 96485.33212  # C/mol
REFERENCE_TEMPERATURE = 298.15  # K; the diffusivities of the library are of this temperature

# 1 + (9/8) x ln x + sum a_k x^k, Bungay-Brenner fit by Dechadilok and Deen (2006); it vanishes at x = 1
_DIFFUSION = (-1.56034, 0.528155, 1.91521, -2.81903, 0.270788, 1.10115, -0.435933)
_NARROW = 0.95  # above it the lubrication limit of Mavrovouniotis and Brenner


def diffusion_hindrance(ratio: Any, xp: Any = np) -> Any:
    """K_d, pore over bulk diffusivity, of an ion that fills ``ratio`` < 1 of the pore radius."""
    wide = xp.clip(ratio, 1e-12, _NARROW)
    tail = 0.0
    for a in reversed(_DIFFUSION):
        tail = (tail + a) * wide
    open_pore = (1.0 + 1.125 * wide * xp.log(wide) + tail) / (1.0 - wide) ** 2
    tight = xp.clip(ratio, _NARROW, 1.0 - 1e-12)
    narrow = 0.984 * ((1.0 - tight) / tight) ** 2.5
    return xp.where(ratio <= _NARROW, open_pore, narrow)


def convection_hindrance(ratio: Any) -> Any:
    """K_c, solute over solvent velocity."""
    return (1.0 + 3.867 * ratio - 1.907 * ratio**2 - 0.834 * ratio**3) / (1.0 + 1.867 * ratio - 0.741 * ratio**2)


def log_steric(ratio: Any, xp: Any = np) -> Any:
    """ln of the steric partition coefficient (1 - ratio)^2; -inf belongs to an ion as wide as the pore."""
    return 2.0 * xp.log(xp.clip(1.0 - ratio, 1e-300, None))


def log_born(charge: Any, radius: Any, pore_permittivity: Any, feed_permittivity: Any, temperature: Any) -> Any:
    """ln of the Born (dielectric) partition coefficient, -dW/kT for an ion of the Stokes radius."""
    energy = charge**2 * ELEMENTARY_CHARGE**2 / (8.0 * np.pi * VACUUM_PERMITTIVITY * radius)
    return -energy * (1.0 / pore_permittivity - 1.0 / feed_permittivity) / (BOLTZMANN * temperature)


def pore_permittivity(pore_radius: Any, wall: float = 6.0, water: float = 78.4, layer: float = 0.28e-9) -> Any:
    """Relative permittivity of the pore with one layer of ordered water on its wall (Bowen and Welfoot 2002)."""
    return water + (wall - water) * (1.0 - (1.0 - layer / pore_radius) ** 2)


def water_viscosity(temperature: Any) -> Any:
    """Viscosity of water [Pa s] (Vogel form, 2.5 % from 0 to 370 C)."""
    return 2.414e-5 * 10.0 ** (247.8 / (temperature - 140.0))


def diffusivity_at(diffusivity: Any, temperature: Any) -> Any:
    """Diffusivity at a temperature from that at 25 C, by Stokes-Einstein."""
    thinner = water_viscosity(REFERENCE_TEMPERATURE) / water_viscosity(temperature)
    return diffusivity * (temperature / REFERENCE_TEMPERATURE) * thinner


def permeability(pore_radius: Any, thickness: Any, viscosity: Any) -> Any:
    """Water flux per pressure [m/(s Pa)] of straight pores, ``thickness`` being thickness over porosity."""
    return pore_radius**2 / (8.0 * viscosity * thickness)


def osmotic_pressure(excess: Any, temperature: Any) -> Any:
    """Ideal osmotic pressure [Pa] of a concentration difference ``excess`` [mol/m3]."""
    return GAS_CONSTANT * temperature * excess
