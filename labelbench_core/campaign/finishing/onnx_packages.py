"""The packages that write a model as an ONNX file, looked for without importing any."""

import importlib.util

from labelbench_core.errors import InputError

PACKAGES = ("onnx", "onnxruntime", "onnxscript")


def require_onnx_packages() -> None:
    """`InputError` where one of the packages is not installed; it names all that are not."""
    lacking = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if lacking:
        raise InputError(
            f"finish.onnx: {', '.join(lacking)}: not installed; allowed: `.venv/bin/pip install "
            "-e '.[onnx-export]'` in the project's folder, or finish.onnx: false"
        )
