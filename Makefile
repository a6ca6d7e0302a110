# make run    set up, then the main job end to end: build, verify, train, report
# make test   set up, then every test
# make test-fast  the tests that take less than a minute in all
# make test-oldest  the data and its tests with the oldest libraries that are supported
# make check  format, lint, types (changes nothing)
# make format apply the formatter and the safe lint fixes
# make paper  one repetition of everything in the paper, on this machine, into out/once
# make pages  write every generated page and figure again, from the results
# make docs   the documentation of the public API, from its docstrings, into out/docs
# make dist   build the files for PyPI into dist/ and check them

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

FAST_TESTS := $(patsubst %,tests/%,signals evidence figures models pages \
  test_rooms.py test_options.py test_contributing.py)
# the package without its modules, and then the public rooms
DOCUMENTED := mnist1d_hf '!mnist1d_hf[.].*' \
  $(addprefix mnist1d_hf.,compat data models shards signals training)
OLDEST_TESTS := tests/signals tests/data tests/test_compat.py

.PHONY: run test test-fast test-oldest check format paper pages docs dist clean

run: $(VENV)/.run
	$(BIN)/python scripts/quickstart.py

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist loadgroup

test-fast: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 -m "not slow" $(FAST_TESTS)

test-oldest: $(VENV)-oldest/.dev
	$(VENV)-oldest/bin/python -m pytest -n 2 $(OLDEST_TESTS)

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

paper: $(VENV)/.run
	$(BIN)/python scripts/reproduce.py --scale once --workers 2

# pictures first, since the report and the cards refer to them
pages: $(VENV)/.dev
	$(BIN)/mnist1d-hf show --picture all --out dataset_card/figures
	$(BIN)/python scripts/reproduce.py --report-only
	$(BIN)/python scripts/make_card.py

# only the public API: in these rooms `ruff check` also reports missing docstrings
docs: $(VENV)/.dev
	$(BIN)/ruff check --select D100,D101,D102,D103,D104 mnist1d_hf
	$(BIN)/pdoc -o out/docs $(DOCUMENTED)

dist:
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -e '.[release]'
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/python -m twine check --strict dist/*

$(VENV)/.run: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -e '.[studies]'
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -e '.[dev]'
	touch $@ $(VENV)/.run

# the lowest versions that pyproject.toml allows
$(VENV)-oldest/.dev: pyproject.toml
	test -x $(VENV)-oldest/bin/python || $(PYTHON) -m venv $(VENV)-oldest
	$(VENV)-oldest/bin/python -m pip install --quiet --disable-pip-version-check -e . \
	  datasets==5.1.0 huggingface_hub==2.0.0 numpy==2.0.0 scipy==1.13.0 \
	  mnist1d==0.0.2.post1 hypothesis pytest pytest-timeout pytest-xdist
	touch $@

clean:
	rm -rf $(VENV) $(VENV)-oldest build dist out .pytest_cache .mypy_cache .ruff_cache .hypothesis
