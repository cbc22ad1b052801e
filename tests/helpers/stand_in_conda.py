"""A stand-in for conda: environments of what is installed here, and of nothing else.

`install(folder)` makes `folder/bin/conda` and `folder/bin/activate`, which answer what Snakemake
asks of conda. `conda env create` reads an environment file, and makes a virtual environment with
links to the packages that the file names, and to those that they need, as the interpreter that runs
this file has them. What the file forgets cannot be imported there. As conda does, it stops where no
version fits; unlike conda, it asks no channel: there is the one version that is installed here.
"""

import argparse
import json
import os
import sys
from importlib import metadata
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PYPI_NAMES = {"pytorch": "torch", "matplotlib-base": "matplotlib", "snakemake-minimal": "snakemake"}
"""Names that conda-forge has changed."""
NOT_PACKAGES = {"python", "pip", "conda"}
"""What is there anyway."""
EXTRAS = {"crowd-kit", "pyarrow"}
"""Packages of our extras that environments have, too: left out where they are not installed."""
CONDA = '#!/bin/sh\nexec {python} -P {file} {folder} "$@"\n'
ACTIVATE = 'export CONDA_PREFIX="$1" PATH="$1/bin:$PATH"\n'


def install(folder):
    """Make the commands; the folder to be put into `PATH`."""
    commands = Path(folder, "bin")
    commands.mkdir(parents=True)
    text = CONDA.format(python=sys.executable, file=Path(__file__).resolve(), folder=folder)
    (commands / "conda").write_text(text)
    (commands / "conda").chmod(0o755)
    (commands / "activate").write_text(ACTIVATE)
    return commands


def requirements(file):
    """What an environment file asks for, as PyPI names it."""
    dependencies = yaml.safe_load(Path(file).read_text())["dependencies"]
    for part in dependencies:
        for line in [part] if isinstance(part, str) else part["pip"]:
            requirement = Requirement(line)
            requirement.name = PYPI_NAMES.get(requirement.name, requirement.name)
            yield requirement


def create(file, prefix):
    """A virtual environment of what the file names; `SystemExit` where something is not here."""
    packages = prefix / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    packages.mkdir(parents=True)
    (prefix / "bin").mkdir()
    base = Path(os.path.realpath(sys.executable))
    (prefix / "bin" / "python").symlink_to(base)
    (prefix / "pyvenv.cfg").write_text(
        f"home = {base.parent}\ninclude-system-site-packages = false\n"
    )
    for distribution in _closure(requirements(file)):
        for name in {Path(one).parts[0] for one in distribution.files or ()} - {
            "..",
            "__pycache__",
        }:
            if not (packages / name).exists():
                (packages / name).symlink_to(distribution.locate_file(name))


def _closure(asked):
    """The distributions that requirements name, and all that those need in turn."""
    found = {}
    waiting = list(asked)
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        wanted = {"", *requirement.extras}
        if name in NOT_PACKAGES or wanted <= found.get(name, set()):
            continue
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            if name in EXTRAS:
                continue
            raise SystemExit(f"PackagesNotFoundError: {requirement}") from None
        if not requirement.specifier.contains(distribution.version, prereleases=True):
            raise SystemExit(f"UnsatisfiableError: {requirement}: here is {distribution.version}")
        if name not in found:
            yield distribution
        new = wanted - found.get(name, set())
        waiting += [
            needed
            for needed in map(Requirement, distribution.requires or ())
            if not needed.marker or any(needed.marker.evaluate({"extra": one}) for one in new)
        ]
        found.setdefault(name, set()).update(wanted)


def main():
    folder, *arguments = sys.argv[1:]
    with open(Path(folder, "calls.txt"), "a") as calls:
        print(*arguments, file=calls)
    if arguments == ["info", "--json"]:
        print(json.dumps({"conda_prefix": folder, "platform": "linux-64"}))
    elif arguments == ["--version"]:
        print("conda 24.7.1")
    elif arguments == ["config", "--get", "channel_priority", "--json"]:
        print(json.dumps({"get": {"channel_priority": "strict"}}))
    elif arguments[:2] == ["env", "create"]:
        parser = argparse.ArgumentParser("conda env create")
        parser.add_argument("--file", type=Path, required=True)
        parser.add_argument("--prefix", type=Path, required=True)
        for flag in ("--quiet", "--no-default-packages"):
            parser.add_argument(flag, action="store_true")
        asked = parser.parse_args(arguments[2:])
        create(asked.file, asked.prefix)
    elif arguments != ["clean", "-y", "--tarballs"]:
        sys.exit(f"this stand-in for conda does not know: conda {' '.join(arguments)}")


if __name__ == "__main__":
    main()
