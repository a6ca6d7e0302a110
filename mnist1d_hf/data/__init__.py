"""The dataset as Arrow tables, files and arrays; imports `signals` alone, and no torch.

`mnist1d` is the builder, named after the dataset; `load` and `register` are the two ways to it.
`tensors` turns splits into arrays, `export` and `parquet` write files, and `identity` holds the
digests that prove the data to be those of the paper.
"""
