"""Sixteen-lane expand and compress between a compact row and a dense run (AVX-512), for the float32 lattice kernel.

A run of void voxels x0 .. x0 + n reads a neighbouring row in which only some of the voxels are void; the populations of
these lie side by side. ``fetch`` spreads them to their lanes, and puts what a wall returns into the others;
``hand_on`` is the way back. Elsewhere the plain loops of kernels.py do the same.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

LANES = 16
_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_BITS = ir.VectorType(ir.IntType(1), LANES)


@cache
def supported() -> bool:
    """Whether this processor has the instructions (AVX-512F and BMI2)."""
    from llvmlite import binding

    features = binding.get_host_cpu_features()
    return bool(features.get("avx512f")) and bool(features.get("bmi2"))


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, offset: Any) -> Any:
    """Address of element ``offset`` of a one-dimensional array."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [builder.zext(offset, ir.IntType(64))])


def _vector_at(builder: Any, address: Any) -> Any:
    return builder.bitcast(address, _VECTOR.as_pointer())


def _lanes(builder: Any, mask: Any) -> Any:
    """The low sixteen bits of an integer as lanes."""
    return builder.bitcast(builder.trunc(mask, ir.IntType(16)), _BITS)


def _call(builder: Any, name: str, result: Any, arguments: list[Any]) -> Any:
    kind = ir.FunctionType(result, [a.type for a in arguments])
    module = builder.module
    function = module.globals.get(name) or ir.Function(module, kind, name)
    return builder.call(function, arguments)


def _load(builder: Any, address: Any) -> Any:
    return builder.load(_vector_at(builder, address), align=4)


def _store_masked(builder: Any, value: Any, address: Any, lanes: Any) -> None:
    pointer = _vector_at(builder, address)
    align = ir.Constant(ir.IntType(32), 4)
    _call(builder, "llvm.masked.store.v16f32.p0", ir.VoidType(), [value, pointer, align, lanes])


@intrinsic
def fetch(typing, f, source, home, void, link, held, at):  # type: ignore[no-untyped-def]
    """``held[at + i]`` = the next of ``f[source:]`` where bit i of ``link`` is set, else ``f[home + i]``.

    ``void`` marks the lanes that have an element in ``f[source:]``, ``link`` those of them that are connected.
    """

    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        f_, source_, home_, void_, link_, held_, at_ = arguments
        compact = _load(builder, _pointer(context, builder, signature.args[0], f_, source_))
        own = _load(builder, _pointer(context, builder, signature.args[0], f_, home_))
        spread = _call(builder, "llvm.x86.avx512.mask.expand.v16f32", _VECTOR, [compact, own, _lanes(builder, void_)])
        value = builder.select(_lanes(builder, link_), spread, own)
        goal = _pointer(context, builder, signature.args[5], held_, at_)
        builder.store(value, _vector_at(builder, goal), align=4)
        return context.get_dummy_value()

    return types.void(f, source, home, void, link, held, at), codegen


@intrinsic
def hand_on(typing, f, source, void, link, held, at):  # type: ignore[no-untyped-def]
    """The reverse of ``fetch``: the linked lanes of ``held`` at ``at`` to ``f[source:]``."""

    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        f_, source_, void_, link_, held_, at_ = arguments
        value = _load(builder, _pointer(context, builder, signature.args[4], held_, at_))
        lanes = _lanes(builder, void_)
        compact = _call(builder, "llvm.x86.avx512.mask.compress.v16f32", _VECTOR, [value, value, lanes])
        kept = _call(builder, "llvm.x86.bmi.pext.32", ir.IntType(32), [link_, void_])
        goal = _pointer(context, builder, signature.args[0], f_, source_)
        _store_masked(builder, compact, goal, _lanes(builder, kept))
        return context.get_dummy_value()

    return types.void(f, source, void, link, held, at), codegen


@intrinsic
def return_wall(typing, f, home, wall, held, at):  # type: ignore[no-untyped-def]
    """The lanes of ``held`` at ``at`` that face a wall to ``f[home:]``."""

    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        f_, home_, wall_, held_, at_ = arguments
        value = _load(builder, _pointer(context, builder, signature.args[3], held_, at_))
        goal = _pointer(context, builder, signature.args[0], f_, home_)
        _store_masked(builder, value, goal, _lanes(builder, wall_))
        return context.get_dummy_value()

    return types.void(f, home, wall, held, at), codegen


@intrinsic
def copy_lanes(typing, f, source, held, at, count):  # type: ignore[no-untyped-def]
    """``held[at:]`` = ``f[source:]`` for ``count`` lanes (a literal) at once, on any processor."""

    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        f_, source_, held_, at_, _ = arguments
        lanes = ir.VectorType(ir.FloatType(), count.literal_value).as_pointer()
        here = builder.bitcast(_pointer(context, builder, signature.args[0], f_, source_), lanes)
        goal = builder.bitcast(_pointer(context, builder, signature.args[2], held_, at_), lanes)
        builder.store(builder.load(here, align=4), goal, align=4)
        return context.get_dummy_value()

    if not isinstance(count, types.IntegerLiteral):
        return None
    return types.void(f, source, held, at, count), codegen
