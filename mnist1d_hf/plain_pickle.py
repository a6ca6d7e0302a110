"""A safe reader for pickle files of plain data from untrusted sources.

A pickle is a program: it names functions and the arguments to call them with. Here every name
refers to a class of this module, which checks its arguments and builds the array itself. NumPy's
own `dtype.__setstate__` and `ndarray.__setstate__` are never called, because a crafted state makes
them read any memory. Libraries such as picklescan and fickling look for dangerous imports and
calls; they do not check these states.
"""

import io
import math
import os
import pickle
import pickletools
import re
from pathlib import Path
from typing import Any

import numpy as np

# booleans, integers, floats of 2 to 8 bytes, complex numbers, text, bytes and Python objects
DTYPE = re.compile(r"b1|[iu][1248]|f[248]|c8|c16|[US]\d{1,9}|O8?")
SCALARS = (bool, int, float, complex, str, bytes, bytearray, type(None), np.generic, np.ndarray)
LAST_CHARACTER = 0x10FFFF


def read_plain_pickle(path: str | os.PathLike[str]) -> Any:
    """Read numbers, text, containers and NumPy arrays from the pickle file `path`.

    Raises ValueError when the file holds anything else, is damaged, or is not a pickle, and OSError
    when it cannot be opened.
    """
    data = Path(path).read_bytes()
    try:
        check_memo(data)
        return finished(PlainUnpickler(io.BytesIO(data)).load(), {}, set())
    except Exception as error:  # the unpickler may raise any exception for a damaged file
        why = "too deeply nested" if isinstance(error, RecursionError) else error
        raise ValueError(f"{path} is not a pickle of plain data: {why}") from error


def check_memo(data: bytes) -> None:
    """ValueError for memo indices that would make the unpickler allocate too much memory.

    The memo is an array as long as its largest index, which a file of ten bytes can set to 2**32.
    """
    for operation, argument, _ in pickletools.genops(data):
        if operation.name.endswith("PUT") and int(argument or 0) > len(data):
            raise ValueError(f"it stores object {argument} of fewer than {len(data)}")


class PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in READABLE:
            raise ValueError(
                f"the pickle refers to {module}.{name}: only numbers, text, containers and NumPy "
                "arrays are read, because other objects can run code; if you trust the file, use "
                "pickle.load"
            )
        return READABLE[module, name]


class Dtype:
    """Stands for numpy.dtype."""

    __slots__ = ("dtype",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, text: object, align: object = False, copy: object = False):
        if not isinstance(text, str) or not DTYPE.fullmatch(text):
            raise ValueError(f"arrays of dtype {text!r} are not read: use numbers, text or objects")
        self.dtype = np.dtype(text)

    def __setstate__(self, state: Any) -> None:
        """Accept the state which NumPy writes for this dtype, in either byte order."""
        dtype = self.dtype.newbyteorder(state[1])
        expected = dtype.__reduce__()[2]
        if type(state) is not tuple or repr(state) != repr(expected):
            raise ValueError(f"the state {state!r} is not that of dtype {dtype}")
        self.dtype = dtype


class NdArray:
    """Stands for numpy.ndarray, which pickles only name."""

    def __setstate__(self, state: Any) -> None:
        raise ValueError("an array without a state")


class Array:
    """Stands for an array made by numpy's `_reconstruct`, whose state follows."""

    __slots__ = ("state",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, subtype: object, shape: object, dtype: object):
        if subtype is not NdArray:
            raise ValueError("an array of another class than numpy.ndarray")
        self.state: tuple | None = None

    def __setstate__(self, state: tuple) -> None:
        _, shape, dtype, fortran, values = state
        if not isinstance(fortran, bool):
            raise ValueError(f"the order of an array is {fortran!r}")
        self.state = values, plain_dtype(dtype), shape, "F" if fortran else "C"


class FromBuffer:
    """Stands for numpy's `_frombuffer`, which protocol 5 calls."""

    def __new__(  # type: ignore[misc]
        cls, data: Any, dtype: Any, shape: Any, order: Any, axes: Any = None
    ) -> np.ndarray:
        array = from_bytes(data, plain_dtype(dtype), shape, "C" if axes is not None else order)
        return array if axes is None else array.transpose(axes)

    __setstate__ = NdArray.__setstate__


class Scalar:
    """Stands for numpy's `scalar`: a single number or text of NumPy's."""

    def __new__(cls, dtype: Any, data: Any = b"") -> Any:
        return from_bytes(data, plain_dtype(dtype), (), "C")[()]

    __setstate__ = NdArray.__setstate__


def encode(text: Any, encoding: Any) -> bytes:
    """Stands for `codecs.encode`, which makes bytes where a protocol before 3 has none."""
    if not isinstance(text, str) or encoding != "latin1":
        raise ValueError(f"bytes are text in latin1, not in {encoding!r}")
    return text.encode("latin1")


# The names in a pickle of plain data; those of NumPy differ between NumPy 1 and 2, those of Python
# between protocols.
READABLE: dict[tuple[str, str], Any] = {
    **{
        (builtins, kind.__name__): kind
        for builtins in ("builtins", "__builtin__")
        for kind in (complex, frozenset, set)
    },
    ("_codecs", "encode"): encode,
    ("__builtin__", "bytes"): lambda: b"",  # without arguments: no bytes
    ("numpy", "dtype"): Dtype,
    ("numpy", "ndarray"): NdArray,
    **{
        (f"numpy.{core}.{module}", name): stand_in
        for core in ("core", "_core")
        for module, name, stand_in in (
            ("multiarray", "_reconstruct", Array),
            ("multiarray", "scalar", Scalar),
            ("numeric", "_frombuffer", FromBuffer),
        )
    },
}


def plain_dtype(value: Any) -> np.dtype:
    if not isinstance(value, Dtype):
        raise ValueError(f"{value!r} stands where a dtype should be")
    return value.dtype


def from_bytes(data: Any, dtype: np.dtype, shape: Any, order: Any) -> np.ndarray:
    """The array with these bytes; ValueError unless every element is valid for its dtype."""
    if dtype.hasobject or not isinstance(data, bytes | bytearray):
        raise ValueError(f"an array of {dtype} cannot be made of {type(data).__name__}")
    if math.prod(dimensions(shape)) * dtype.itemsize != len(data):
        raise ValueError(f"{len(data)} bytes for an array of {dtype} of shape {shape}")
    if not data:
        return np.empty(shape, dtype, order)
    array = np.frombuffer(data, dtype)
    if dtype.kind == "b" and (array.view(np.uint8) > 1).any():
        raise ValueError("a boolean that is neither 0 nor 1")
    if dtype.kind == "U":
        characters = np.frombuffer(data, np.dtype("u4").newbyteorder(dtype.byteorder))
        if (characters > LAST_CHARACTER).any():
            raise ValueError("a character beyond the last of Unicode")
    return array.reshape(shape, order=order)


def dimensions(shape: Any) -> tuple[int, ...]:
    if type(shape) is not tuple or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError(f"{shape!r} is not the shape of an array")
    return shape


def finished(value: Any, known: dict[int, tuple[Any, Any]], open_: set[int]) -> Any:
    """`value` with every stand-in replaced by its array; lists and dictionaries change in place.

    `known` maps the identities of finished objects to their results, and `open_` has the identities
    of the containers around `value`.
    """
    if isinstance(value, SCALARS):
        return value
    if isinstance(value, Dtype):
        return value.dtype
    if id(value) in open_:
        raise ValueError("a container contains itself")
    if id(value) not in known:
        open_.add(id(value))
        made = finished_container(value, lambda item: finished(item, known, open_))
        known[id(value)] = value, made  # `value` too: else another object could get its identity
        open_.remove(id(value))
    return known[id(value)][1]


def finished_container(value: Any, finish: Any) -> Any:
    match value:
        case Array(state=(list() as items, dtype, shape, order)) if dtype.hasobject:
            array = np.empty(len(items), dtype)
            for i, item in enumerate(items):
                array[i] = finish(item)
            return array.reshape(dimensions(shape), order=order)
        case Array(state=(data, dtype, shape, order)):
            return from_bytes(data, dtype, shape, order).copy("K")
        case list():
            value[:] = [finish(item) for item in value]
        case dict():
            for key, item in value.items():
                finish(key)
                value[key] = finish(item)
        case tuple():
            return tuple(finish(item) for item in value)
        case set() | frozenset():
            for item in value:
                finish(item)
        case _:
            raise ValueError(f"it holds {value!r}: neither number, text, container nor array")
    return value
