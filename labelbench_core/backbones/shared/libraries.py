"""The libraries of models, imported without torch's compiler, which costs a job four seconds.

While they are imported, torchvision asks whether the compiler is available, and timm marks a
function that the compiler must skip. Stand-ins for the compiler answer until anything else of it is
requested.
"""

import functools
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

COMPILER = "torch._dynamo"
UTILITIES = "torch._dynamo.utils"


def timm() -> ModuleType:
    """The package timm."""
    return _imported("timm")


def open_clip() -> ModuleType:
    """The package open_clip."""
    return _imported("open_clip")


@functools.cache
def open_clip_weights() -> ModuleType:
    """The module of open_clip that lists published weights, alone: without torch, in no time.

    Raises any error where open_clip's files are not as expected.
    """
    package = ModuleType("open_clip_alone")
    package.__path__ = [str(open_clip_folder())]
    # The module imports these, and torch with them, to load weights.
    modules: dict[str, Any] = sys.modules
    kept = {name: modules.get(name) for name in ("safetensors", "safetensors.torch")}
    modules[package.__name__] = package
    modules.update(dict.fromkeys(kept))  # None: cannot be imported
    try:
        return importlib.import_module(f"{package.__name__}.pretrained")
    finally:
        for name, module in kept.items():
            modules.pop(name)
            if module is not None:
                modules[name] = module


def open_clip_folder() -> Path:
    """The folder of the package open_clip, which is not imported."""
    found = importlib.util.find_spec("open_clip")
    return Path(next(iter((found and found.submodule_search_locations) or ())))


def _imported(name: str) -> ModuleType:
    importlib.import_module("torch")
    if name in sys.modules or COMPILER in sys.modules:
        return importlib.import_module(name)
    with _without_compiler():
        return importlib.import_module(name)


@contextmanager
def _without_compiler() -> Iterator[None]:
    compiler, utilities = _StandIn(COMPILER), _StandIn(UTILITIES)
    compiler.__path__ = []
    compiler.disable = _disable
    utilities.is_compile_supported = _is_compile_supported
    sys.modules.update({COMPILER: compiler, UTILITIES: utilities})
    finder = _OtherParts()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        _leave()


def _leave() -> None:
    for name in (COMPILER, UTILITIES):
        if isinstance(sys.modules.get(name), _StandIn):
            del sys.modules[name]


def _real(name: str) -> ModuleType:
    _leave()
    return importlib.import_module(name)


class _StandIn(ModuleType):
    """Stand-in for a module of the compiler until anything else of it is requested."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(_real(self.__name__), name)


class _OtherParts(MetaPathFinder, Loader):
    """Imports of other parts of the compiler get the real ones."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.startswith(f"{COMPILER}.") and isinstance(sys.modules.get(COMPILER), _StandIn):
            _real(name)
            return importlib.util.spec_from_loader(name, self)
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return sys.modules[spec.name]

    def exec_module(self, module: ModuleType) -> None:
        """Has been done."""


def _disable(function: Callable | None = None, *arguments: Any, **options: Any) -> Callable:
    """`torch._dynamo.disable`, put off until the function is called."""
    if function is None:
        return functools.partial(_disable, **options)

    @functools.wraps(function)
    def disabled(*of_call: Any, **by_name: Any) -> Any:
        real = importlib.import_module(COMPILER).disable
        return real(function, *arguments, **options)(*of_call, **by_name)

    return disabled


def _is_compile_supported(device_type: str) -> bool:
    """`torch._dynamo.utils.is_compile_supported`, put off until it is called."""
    return importlib.import_module(UTILITIES).is_compile_supported(device_type)
