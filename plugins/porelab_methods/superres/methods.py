"""What the system registers."""

from __future__ import annotations

from porelab_gui.core.method import Method
from porelab_methods.superres.apply_methods import COARSEN, COMPARE, RESOLVE
from porelab_methods.superres.judge_methods import JUDGE
from porelab_methods.superres.train_methods import CORRECTION, DATA, SUPERRES, SURROGATE

METHODS: tuple[Method, ...] = (RESOLVE, COMPARE, COARSEN, DATA, SURROGATE, SUPERRES, CORRECTION, JUDGE)
