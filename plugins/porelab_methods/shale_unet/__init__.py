"""Organic and inorganic pores in FIB-SEM: a U-Net trained on a few corrected slices."""
