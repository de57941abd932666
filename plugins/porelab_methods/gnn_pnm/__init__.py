"""A graph neural network inside the differentiable pore network (Zhao and Xiao, J. Hydrology 675 (2026) 135602)."""
