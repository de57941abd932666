"""The files and arrays that pores are seen in: formats, filters, segmentation, morphology."""
