"""The dataset as Arrow tables, files and arrays; imports `signals` alone, and no torch.

`mnist1d` is the builder, named after the dataset; `load` and `register` give access to it.
`tensors` converts splits to arrays, `export` and `parquet` write files, and `identity` verifies
that the data are those of the paper.
"""
