"""Every function of the original package, beside the original for equal seeds."""

import builtins
import collections
import inspect
import os
import pickle
import random
import subprocess
import sys

import mnist1d
import mnist1d.data
import mnist1d.transform
import mnist1d.utils
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mnist1d_hf import compat

# `mnist1d.transform` is a function, which hides the module of that name
STEPS = sys.modules["mnist1d.transform"]
NAMES = {
    mnist1d.data: ["get_dataset", "get_dataset_args", "get_templates", "make_dataset"],
    STEPS: ["corr_noise_like", "iid_noise_like", "interpolate", "pad", "shear", "transform"],
    mnist1d.utils: ["ObjectView", "from_pickle", "plot_signals", "set_seed", "to_pickle"],
}
ORIGINALS = [getattr(module, name) for module, names in NAMES.items() for name in names]


@pytest.fixture(autouse=True)
def same_random_state_afterwards():
    states = random.getstate(), np.random.get_state()
    yield
    random.setstate(states[0])
    np.random.set_state(states[1])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def small(**changes):
    args = compat.get_dataset_args()
    vars(args).update(num_samples=100, **changes)
    return args


def assert_same_dataset(ours, theirs):
    assert list(ours) == list(theirs)
    for name, expected in theirs.items():
        if name == "templates":
            assert_same_dataset(ours[name], expected)
        else:
            np.testing.assert_array_equal(ours[name], expected, strict=True)


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("original", ORIGINALS, ids=lambda function: function.__name__)
def test_signatures_are_those_of_the_original(original):
    def plain(function):
        parameters = inspect.signature(function).parameters.values()
        return [(p.name, p.kind, p.default) for p in parameters]

    assert plain(getattr(compat, original.__name__)) == plain(original)


def test_installed_it_answers_to_the_names_of_the_original(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "mnist1d"]:
        monkeypatch.setitem(sys.modules, name, sys.modules[name])  # restored after the test
    compat.install()
    import mnist1d
    import mnist1d.data
    import mnist1d.utils as utils
    from mnist1d.data import get_dataset_args, make_dataset
    from mnist1d.transform import pad, transform

    assert mnist1d is mnist1d.data is mnist1d.utils is utils is compat
    assert mnist1d.transform is transform is compat.transform and pad is compat.pad
    assert make_dataset is compat.make_dataset and get_dataset_args is compat.get_dataset_args


# --- datasets ------------------------------------------------------------------------------------


def test_the_arguments_are_those_of_the_original():
    assert compat.get_dataset_args(as_dict=True) == mnist1d.get_dataset_args(as_dict=True)
    assert vars(compat.get_dataset_args()) == vars(mnist1d.get_dataset_args())


def test_the_templates_are_those_of_the_original():
    ours, theirs = compat.get_templates(), mnist1d.get_templates()
    assert ours.keys() == theirs.keys()
    for name, expected in theirs.items():
        np.testing.assert_array_equal(ours[name], expected, strict=True)


@pytest.mark.parametrize(
    "changes", [{}, {"shuffle_seq": True, "seed": 7}, {"padding": [1, 9], "max_translation": 9}]
)
@pytest.mark.parametrize("labels", [np.arange(3), np.array(["a", "b", "c"]), np.array([0.5, 1, 0])])
def test_make_dataset_gives_the_bits_of_the_original(changes, labels):
    args = small(**changes)
    x, t, _ = compat.get_templates().values()
    template = {"x": x[:3, :9], "t": t[:9], "y": labels}
    ours = compat.make_dataset(args, template=template)
    assert_same_dataset(ours, mnist1d.data.make_dataset(args, template=template))
    assert_same_dataset(compat.make_dataset(args), mnist1d.data.make_dataset(args))


def test_make_dataset_leaves_the_global_generators_alone():
    compat.set_seed(0)
    expected = random.random(), np.random.rand()
    compat.set_seed(0)
    compat.make_dataset(small())
    assert (random.random(), np.random.rand()) == expected


def test_make_dataset_names_the_rule_that_is_broken():
    with pytest.raises(ValueError, match="max_translation=0: must be an integer from 1"):
        compat.make_dataset(small(max_translation=0))


# --- its file ------------------------------------------------------------------------------------


def test_the_file_of_other_arguments_is_not_returned(folder, capsys):
    arguments = [small(), small(shuffle_seq=True), small(seed=7), small(padding=[30, 60])]
    for _ in range(2):  # made, then read
        for args in arguments:
            assert_same_dataset(compat.get_dataset(args), compat.make_dataset(args))
    files = {str(path.relative_to(folder)) for path in folder.iterdir()}
    assert len(files) == 4 and "mnist1d_data.pkl" not in files
    assert {
        line.removeprefix("The dataset is in ") for line in capsys.readouterr().out.split("\n")
    } == {*files, ""}

    compat.get_dataset(small(), path="mine.pkl", verbose=False)
    with pytest.raises(ValueError, match="mine.pkl does not hold the data of these arguments"):
        compat.get_dataset(small(seed=7), path="mine.pkl")
    x = compat.get_dataset(small(seed=7), "mine.pkl", download=False, regenerate=True)["x"]
    np.testing.assert_array_equal(x, compat.make_dataset(small(seed=7))["x"])
    assert not capsys.readouterr().err


def test_a_template_has_a_file_of_its_own(folder):
    template = {**compat.get_templates(), "y": np.arange(10) + 5}
    for keywords in ({}, {"template": template}):
        for _ in range(2):
            found = compat.get_dataset(small(), verbose=False, **keywords)
            assert_same_dataset(found, compat.make_dataset(small(), **keywords))
    assert len(list(folder.iterdir())) == 2


def test_the_default_file_can_be_read_by_the_original_and_the_other_way_round(folder):
    dataset = compat.get_dataset(compat.get_dataset_args(), verbose=False)
    assert os.listdir() == ["mnist1d_data.pkl"]
    assert_same_dataset(mnist1d.get_dataset(mnist1d.get_dataset_args(), verbose=False), dataset)
    # the file that the authors made differs from ours in the last bits
    theirs = {**dataset, "x": dataset["x"] + 1e-15}
    mnist1d.to_pickle(theirs, "mnist1d_data.pkl")
    assert_same_dataset(compat.get_dataset(compat.get_dataset_args(), verbose=False), theirs)


@pytest.mark.parametrize(
    "damage",
    [
        lambda d: d["x"].__setitem__((3, 3), 0),
        lambda d: d["y"].__setitem__(0, 9 - d["y"][0]),
        lambda d: d["templates"].pop("t"),
        lambda d: d.update(x=d["x"][:9]),
        lambda d: d.update(y=d["y"].astype(str)),
        lambda d: d.pop("t"),
    ],
)
def test_a_damaged_file_is_refused(folder, damage):
    dataset = compat.make_dataset(small())
    damage(dataset)
    compat.to_pickle(dataset, "data.pkl")
    with pytest.raises(ValueError, match="data.pkl does not hold the data of these arguments"):
        compat.get_dataset(small(), path="data.pkl")


def test_a_download_cannot_be_regenerated(folder):
    with pytest.raises(ValueError, match="download=True and regenerate=True: set one of them"):
        compat.get_dataset(small(), regenerate=True)
    assert not os.listdir()


# --- steps ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, arguments",
    [
        ("pad", ((36, 60),)),
        ("pad", ([0, 3],)),
        ("shear", ()),
        ("shear", (0.75,)),
        ("translate", (1,)),
        ("translate", (12,)),
        ("translate", (30,)),
        ("corr_noise_like", (0.25,)),
        ("iid_noise_like", (0.02,)),
        ("interpolate", (1,)),
        ("interpolate", (12,)),
        ("interpolate", (40,)),
    ],
)
@pytest.mark.parametrize("seed", range(8))
def test_a_step_equals_that_of_the_original(name, arguments, seed):
    results = []
    for module in (compat, STEPS):
        rng = np.random.default_rng(1)
        vector, matrix = rng.normal(size=12), rng.normal(size=(12, 12))
        module_step = getattr(module, name)
        compat.set_seed(seed)
        results.append([module_step(vector, *arguments), module_step(matrix, *arguments)])
        results[-1].append(np.random.rand())  # both stand at the same place afterwards
    (vector, matrix, place), (their_vector, their_matrix, their_place) = results
    np.testing.assert_array_equal(vector, their_vector, strict=True)
    # SciPy interpolates matrices by another formula than vectors
    np.testing.assert_allclose(matrix, their_matrix, rtol=0, atol=1e-14)
    assert place == their_place


@given(st.integers(0, 2**32 - 1), st.integers(1, 72), st.booleans())
@example(seed=0, max_translation=1, plain=True)
@settings(max_examples=40)
def test_transform_equals_that_of_the_original(seed, max_translation, plain):
    args = small(max_translation=max_translation, **({"corr_noise_scale": 0} if plain else {}))
    x, t, _ = compat.get_templates().values()
    results = []
    for transform in (compat.transform, STEPS.transform):
        compat.set_seed(seed)
        results.append([*transform(x[seed % 10], t, args), *transform(x[3], t, args, eps=0)])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs, strict=True)


def test_set_seed_seeds_both_generators():
    numbers = []
    for set_seed in (compat.set_seed, mnist1d.set_seed):
        set_seed(13)
        numbers.append((random.random(), np.random.rand()))
    assert numbers[0] == numbers[1]


# --- files and views -----------------------------------------------------------------------------

PLAIN = {
    "numbers": [1, 2.5, 1j, True, None, {1}, frozenset([2])],
    "text": ("a", b"b"),
    "arrays": {
        "float": np.linspace(0, 1, 5),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "text": np.array(["a", "bc"]),
        "object": np.array([[1, 2], None], dtype=object),
        "scalar": np.float32(0.5),
        "empty": np.zeros((0, 3)),
    },
}


@pytest.mark.parametrize("protocol", range(6))
def test_plain_data_can_be_read(folder, protocol):
    with open("plain.pkl", "wb") as file:
        pickle.dump(PLAIN, file, protocol=protocol)
    found = compat.from_pickle("plain.pkl")
    np.testing.assert_equal(found, PLAIN)
    assert found["arrays"]["scalar"].dtype == np.float32


def test_pickles_go_both_ways_between_the_packages(folder):
    compat.to_pickle(PLAIN, "ours.pkl")
    np.testing.assert_equal(mnist1d.from_pickle("ours.pkl"), PLAIN)
    mnist1d.to_pickle(PLAIN, "theirs.pkl")
    np.testing.assert_equal(compat.from_pickle("theirs.pkl"), PLAIN)


class Command:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "thing, name",
    [
        (Command(os.system, "touch ran"), "posix.system"),
        (Command(builtins.eval, "open('ran', 'w')"), "builtins.eval"),
        (Command(subprocess.Popen, ["touch", "ran"]), "subprocess.Popen"),
        (np.array([Command(os.mkdir, "ran")], dtype=object), "posix.mkdir"),
        (np.load, "numpy.load"),
        (collections.OrderedDict(a=1), "collections.OrderedDict"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_pickle_that_could_run_code_is_refused(folder, thing, name):
    with open("evil.pkl", "wb") as file:
        pickle.dump({"x": [thing]}, file)
    with pytest.raises(ValueError, match=f"the pickle refers to {name}: only numbers, text"):
        compat.from_pickle("evil.pkl")
    assert os.listdir() == ["evil.pkl"]


def pickled(text, data=bytes(8), state=(3, "<", None, None, None, -1, -1, 0), shape=(1,), size=0):
    """An array as NumPy pickles it, with a dtype and a state of one's choice."""
    reconstruct, ndarray = np.empty(1).__reduce__()[0], np.ndarray

    class Dtype:
        def __reduce__(self):
            return np.dtype, (text, False, True), state

    class Array:
        def __reduce__(self):
            return reconstruct, (ndarray, (size,), b"b"), (1, shape, Dtype(), False, data)

    return pickle.dumps({"x": Array()}, protocol=3)


@pytest.mark.parametrize("points", [0, 1])
def test_no_line_goes_through_less_than_two_points(points):
    with pytest.raises(ValueError, match=f"x has {points} points"):
        compat.interpolate(np.zeros(points), 5)


FLAGS = (3, "|", None, None, None, -1, -1, 63)


@pytest.mark.parametrize(
    "content, why",
    [
        (b"c_codecs\nencode\n(Vabc\nVrot13\ntR.", "bytes are text in latin1, not in 'rot13'"),
        # 8 bytes of the file become the address of an object
        (pickled("O8"), "the state .* is not that of dtype object"),
        (pickled("O8", state=FLAGS), "an array of object cannot be made of bytes"),
        (pickled("i8", state=FLAGS), "the state .* is not that of dtype"),
        (pickled("i8", state=(3, "<", None, ("a",), {"a": 1}, 8, 1, 0)), "the state .* is not"),
        (pickled("V8"), "arrays of dtype 'V8' are not read"),
        (pickled([("a", "O")]), "arrays of dtype .* are not read"),
        (pickled("M8[s]"), "arrays of dtype"),
        (pickled("i8", shape=(2,)), r"8 bytes for an array of int64 of shape \(2,\)"),
        (pickled("i8", shape=(2**32, 2**32), data=b""), "0 bytes for an array"),
        (pickled("i8", shape=(-1, -1)), "is not the shape of an array"),
        (pickled("i8", data=[1]), "cannot be made of list"),
        (pickled("b1", data=b"\2", state=(3, "|", *FLAGS[2:7], 0)), "neither 0 nor 1"),
        (
            pickled("U1", data=b"\xff" * 4, state=(3, "<", None, None, None, 4, 4, 8)),
            "a character beyond the last of Unicode",
        ),
        (pickle.dumps(np.ndarray), "neither number, text, container nor array"),
        (pickle.dumps([np.dtype, "f8"]), "neither number, text, container nor array"),
        (b"(lp0\ng0\na.", "a container contains itself"),
        (b"](h\x00" * 9 + b".", ""),
        (b"]" * 5000 + b"a" * 4999 + b".", "too deeply nested"),
        (b"Nr\xff\xff\xff\x7f.", "it stores object 2147483647 of fewer than 7"),
        (b"\x8e" + b"\xff" * 7 + b"\x7f.", ""),
    ],
)
def test_a_crafted_pickle_is_refused(folder, content, why):
    (folder / "evil.pkl").write_bytes(content)
    with pytest.raises(
        ValueError, match=f"(?s)evil.pkl is not a pickle of plain data.*{why}|{why}"
    ):
        compat.from_pickle("evil.pkl")


MUTATE = """
import faulthandler, pickle, random, resource, sys
import numpy as np
from mnist1d_hf import compat

faulthandler.enable()
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
rng = random.Random(0)
plain = {
    "numbers": [1, 2.5, 1j, True, None, {1}, frozenset([2]), -(10**30)],
    "text": ("a", b"b"),
    "arrays": [
        np.linspace(0, 1, 5), np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(4) > 1,
        np.array(["a", "bc"]), np.array([[1, 2], None], dtype=object), np.float32(0.5),
        np.str_("de"), np.zeros((0, 3)), np.arange(3, dtype=">u2"),
    ],
}
files = [pickle.dumps(plain, protocol) for protocol in (3, 4, 5)]

def mutated(data):
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        at, size, other = rng.randrange(len(data)), rng.randrange(1, 9), rng.choice(files)
        source = rng.randrange(len(other))
        match rng.randrange(5):
            case 0: data[at] = rng.randrange(256)
            case 1: data[at] ^= 1 << rng.randrange(8)
            case 2: del data[at : at + size]
            case 3: data[at:at] = other[source : source + size]
            case 4: data[at : at + size] = other[source : source + size]
    return bytes(data)

read = refused = 0
for number in range(int(sys.argv[1])):
    content = mutated(rng.choice(files))
    with open(sys.argv[2], "wb") as file:
        file.write(content)
    try:
        found = compat.from_pickle(sys.argv[2])
    except ValueError:
        refused += 1
    else:
        read += 1
        repr(found), pickle.dumps(found)  # touches every element
print(read, refused)
"""


def test_mutated_pickles_are_read_or_refused(folder):
    """Whatever is wrong in a file is a ValueError, and whatever is read can be used."""
    command = [sys.executable, "-W", "ignore", "-c", MUTATE, "2000", "mutated.pkl"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    read, refused = map(int, done.stdout.split())
    assert read + refused == 2000 and read > 100 and refused > 1000


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", pickle.dumps(PLAIN)[:-40]])
def test_what_is_no_pickle_is_refused(folder, content):
    (folder / "data.pkl").write_bytes(content)
    with pytest.raises(ValueError, match="data.pkl is not a pickle of plain data"):
        compat.get_dataset(small(), path="data.pkl")
    assert (folder / "data.pkl").read_bytes() == content


def test_a_failed_write_leaves_the_old_file(folder):
    compat.to_pickle([1], "data.pkl")
    with pytest.raises((pickle.PicklingError, AttributeError)):
        compat.to_pickle([lambda: None], "data.pkl")
    assert compat.from_pickle("data.pkl") == [1] and os.listdir() == ["data.pkl"]


def test_an_object_view_is_its_dictionary():
    entries = {"a": 1}
    view = compat.ObjectView(entries)
    view.b = 2
    entries["c"] = 3
    assert (view.a, view.b, view.c) == (1, 2, 3) and entries["b"] == 2


# --- figures -------------------------------------------------------------------------------------


@pytest.fixture
def pyplot(monkeypatch):
    plt = pytest.importorskip("matplotlib.pyplot")
    monkeypatch.setattr(plt, "show", lambda: None)
    yield plt
    plt.close("all")


@pytest.mark.parametrize(
    "keywords",
    [
        {},
        {"labels": np.arange(10), "zoom": 4, "ratio": 2},
        {"do_transform": True, "args": small(), "dark_mode": True},
    ],
    ids=["plain", "labelled", "transformed"],
)
def test_plot_signals_draws_what_the_original_draws(pyplot, keywords):
    x, t, _ = compat.get_templates().values()

    def content(plot_signals):
        compat.set_seed(3)
        figure = plot_signals(x, t, **keywords)
        return [tuple(figure.get_size_inches()), figure.dpi], [
            (
                ax.get_title(), ax.get_xlim(), ax.get_ylim(), ax.get_facecolor(),
                *ax.get_xticks(), *ax.get_yticks(), line.get_linewidth(),
                line.get_color(), line.get_marker(), line.get_linestyle(),
                line.get_xydata().shape, np.round(line.get_xdata()[:3], 12).tolist(),
            )
            for ax in figure.axes for line in ax.lines
        ]  # fmt: skip

    (size, ours), (their_size, theirs) = content(compat.plot_signals), content(mnist1d.plot_signals)
    assert size == their_size and len(ours) == 10
    if "args" in keywords:  # the original stretches t anew for each signal: the first is untouched
        ours, theirs = ours[:1], theirs[:1]
    assert ours == theirs


def test_transforming_while_plotting_needs_the_arguments(pyplot):
    with pytest.raises(ValueError, match="do_transform=True needs args"):
        compat.plot_signals(compat.get_templates()["x"], np.arange(12), do_transform=True)
    assert not pyplot.get_fignums()
