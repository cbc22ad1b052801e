"""The catalogue: what exists, each entry an id with its options (config/catalogue/*.yaml)."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from labelbench_core import registry
from labelbench_core.errors import InputError, did_you_mean
from labelbench_core.trainers.recipe import Recipe

COMPONENT_KINDS = ("datasets", "backbones", "proxies", "trainers", "strategies")
KINDS = (*COMPONENT_KINDS, "schedules", "augmentations")

Catalogue = dict[str, dict[str, dict[str, Any]]]


def load_catalogue(folder: Path) -> Catalogue:
    """Read and check all files of the catalogue: kind → id → entry.

    Raises
    ------
    InputError
        All errors of all files, one a line.
    """
    schema_folder = folder.parent / "schema"
    schema = read_yaml(schema_folder / "catalogue.schema.json")
    catalogue: Catalogue = {}
    errors: list[str] = []
    for kind in KINDS:
        file = folder / f"{kind}.yaml"
        catalogue[kind] = read_yaml(file) or {}
        definition = "components" if kind in COMPONENT_KINDS else kind
        found = schema_errors(catalogue[kind], {**schema, "$ref": f"#/$defs/{definition}"}, file)
        if not found and kind in COMPONENT_KINDS:
            for name, entry in catalogue[kind].items():
                found += _component_errors(kind, name, entry, file)
        if not found and kind == "augmentations":
            for name, entry in catalogue[kind].items():
                found += _augmentation_errors(name, entry, file)
        errors += found
    raise_all(errors)
    return catalogue


def read_yaml(file: Path) -> Any:
    """The content of a YAML file; a key given twice is an error, not a silent choice."""
    import yaml

    class Loader(yaml.SafeLoader):
        """A loader that refuses duplicate keys."""

    def mapping(loader: Loader, node: yaml.MappingNode) -> dict[Any, Any]:
        keys = [loader.construct_object(key) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise InputError(
                    f"{file}: line {node.start_mark.line + 1}: key {key!r} occurs twice"
                )
        return loader.construct_mapping(node, deep=True)

    Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
    try:
        return yaml.load(file.read_text(encoding="utf-8"), Loader)
    except FileNotFoundError as error:
        raise InputError(f"{file}: file not found") from error
    except yaml.YAMLError as error:
        raise InputError(f"{file}: not valid YAML: {error}") from error


def schema_errors(value: Any, schema: Mapping[str, Any], file: Path | str) -> list[str]:
    """All places where `value` breaks `schema`, as lines that name file, key, value, allowed."""
    import jsonschema

    validator = jsonschema.Draft202012Validator(schema)
    return [
        _schema_line(error, file)
        for error in sorted(
            validator.iter_errors(value), key=lambda error: list(map(str, error.path))
        )
    ]


def _schema_line(error: Any, file: Path | str) -> str:
    key = ".".join(map(str, error.absolute_path))
    if error.validator == "additionalProperties" and isinstance(error.schema, Mapping):
        allowed = list(error.schema.get("properties", {}))
        unknown = [name for name in error.instance if name not in allowed]
        return "\n".join(
            f"{file}: {f'{key}.' if key else ''}{name}: unknown key{did_you_mean(name, allowed)}; "
            f"allowed: {', '.join(sorted(allowed))}"
            for name in unknown
        )
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return f"{file}: {f'{key}: ' if key else ''}missing key: {', '.join(missing)}"
    if error.validator == "pattern":
        return (
            f"{file}: {key or 'a key'}: {error.instance!r} is not an id; "
            "allowed: lower-case letters, digits and single hyphens between them"
        )
    if error.validator in ("oneOf", "anyOf"):
        return f"{file}: {key}: {error.instance!r}; allowed: {allowed_forms(error.validator_value)}"
    return f"{file}: {key or 'the file'}: {error.instance!r}; {error.message}"


def allowed_forms(alternatives: Iterable[Mapping[str, Any]]) -> str:
    """The alternatives of a schema in words."""
    words = {"integer": "a whole number", "array": "a list of different whole numbers"}
    return " or ".join(
        ", ".join(form["enum"])
        if "enum" in form
        else words.get(form["type"], form["type"])
        + (f" of at least {form['minimum']}" if "minimum" in form else "")
        for form in alternatives
    )


def _component_errors(kind: str, name: str, entry: Mapping[str, Any], file: Path) -> list[str]:
    """Whether an entry's implementation exists and knows its options, without importing it."""
    implementation = entry["implementation"]
    known = registry.names(kind)
    if implementation not in known:
        return [
            f"{file}: {name}.implementation: {implementation!r} does not exist"
            f"{did_you_mean(implementation, known)}; allowed: {', '.join(known)}"
        ]
    component = registry.describe(kind, implementation)
    allowed = component.options
    errors = []
    for option, value in (entry.get("options") or {}).items():
        where = f"{file}: {name}.options.{option}"
        if option not in allowed:
            errors.append(
                f"{where}: unknown option of {implementation}{did_you_mean(option, allowed)}; "
                f"allowed: {', '.join(sorted(allowed)) or 'none'}"
            )
        elif value is None and option in component.can_be_none:
            continue
        elif not _same_type(value, allowed[option]):
            errors.append(
                f"{where}: {value!r}; allowed: a value like its default, {allowed[option]!r}"
            )
        elif option in registry.describe(kind, implementation).info.get("runs", ()):
            fit = [one for one in known if registry.describe(kind, one).info["kind"] == "strategy"]
            errors += [
                f"{where}: {other!r} cannot be run{did_you_mean(other, fit)}; "
                f"allowed: {', '.join(fit)}"
                for other in ([value] if isinstance(value, str) else value)
                if other not in fit
            ]
    if kind == "trainers":
        training = entry.get("training")
        wrong = Recipe.errors_in(training)
        needs_teacher = registry.describe(kind, implementation).info["needs_teacher"]
        if not wrong and needs_teacher and not Recipe.from_options(training).ema_decay:
            wrong = [f"training.ema_decay: 0.0; allowed with {implementation}: more than 0"]
        errors += [f"{file}: {name}.{line}" for line in wrong]
    if kind != "datasets":
        errors += [
            f"{file}: {name}.{key}: only data sets have it; allowed: options"
            for key in ("prompts", "pool_size", "duplicates", "near_duplicates")
            if key in entry
        ]
    if kind != "trainers" and "training" in entry:
        errors.append(f"{file}: {name}.training: only trainers have it; allowed: options")
    return errors


def _augmentation_errors(name: str, entry: Mapping[str, Any], file: Path) -> list[str]:
    """Whether an augmentation changes anything."""
    weak, strong = entry.get("weak", {}), entry.get("strong", {})
    if any(weak.values()) or strong.get("operations", True) or strong.get("cutout", True):
        return []
    return [f"{file}: {name}: it changes nothing; allowed: something in weak or strong above 0"]


def _same_type(value: Any, default: Any) -> bool:
    """Whether an option's value is of its default's type; None as default allows anything."""
    if default is None:
        return True
    if isinstance(default, float):
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if isinstance(default, tuple):
        return isinstance(value, list) and all(_same_type(one, default[0]) for one in value)
    return type(value) is type(default)


def raise_all(errors: list[str]) -> None:
    """Raise one `InputError` with all errors, if there are any."""
    if errors:
        raise InputError("\n".join(errors))
