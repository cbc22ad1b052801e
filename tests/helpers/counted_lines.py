"""Counts the lines of the library that tests run, where Python counts them only by tracing.

Before Python 3.12 coverage sees a line by a call that the interpreter makes at every line of every
package, which takes as long again as the tests themselves. Here the library's modules get a
statement that notes the line before each of their statements as they are imported, and coverage
gets the lines that were noted. What a line is, the report and the floor remain coverage's.
"""

import ast
import builtins
import sys
from importlib.machinery import PathFinder, SourceFileLoader

import pytest

from .project import PROJECT

PACKAGE = "labelbench_core"
NAME = "__counted_lines__"
"""Global of a module: for each of its lines, from 0, whether it was run."""
OF_ALL = "__counted_lines_of_all__"
"""Builtin: path of a module → the same list. A builtin list is nothing that torch could compile."""
NOTED = {}


def is_needed():
    """Whether lines that are counted would be counted by tracing."""
    return sys.version_info < (3, 12)


def leave_out(item):
    """Do not count the lines of this test."""
    if is_needed():
        item.stash[_LEFT_OUT] = True
    else:
        item.add_marker("no_cover")


def noting(source, path):
    """The tree of a module that notes its lines as it runs, in the list of its path."""
    tree = ast.parse(source)
    for node in list(ast.walk(tree)):
        for field in ("body", "orelse", "finalbody"):
            statements = getattr(node, field, None)
            if isinstance(statements, list) and statements:
                setattr(node, field, _noted(node, statements))
        if isinstance(node, ast.ExceptHandler):
            if node.type is None:
                node.body.insert(0, _note(node.lineno, node))
            else:  # whether it catches is asked in its line
                node.type = _also(node.type, node.lineno)
        if isinstance(node, ast.Match):
            _note_cases(node)
    if tree.body:
        start = f"{NAME} = {OF_ALL}[{str(path)!r}]"
        head = _head(tree, tree.body)
        tree.body[head:head] = ast.parse(start).body
    return ast.fix_missing_locations(tree)


def lines():
    """Path → the lines that were noted."""
    return {
        path: [line for line, seen in enumerate(noted) if seen] for path, noted in NOTED.items()
    }


def _head(node, statements):
    """How many statements have to stay first: a docstring and imports from the future."""
    head = 0
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        head = int(ast.get_docstring(node, clean=False) is not None)
    while head < len(statements) and getattr(statements[head], "module", None) == "__future__":
        head += 1
    return head


def _noted(node, statements):
    """`statements`, each after its note."""
    head = _head(node, statements)
    result = statements[:head]
    result += [_note(statement.lineno, statement) for statement in statements[:head]]
    for statement in statements[head:]:
        starts = [one.lineno for one in getattr(statement, "decorator_list", ())]
        for line in dict.fromkeys([*starts, statement.lineno]):
            result.append(_note(line, statement))
        result.append(statement)
    return result


def _note(line, at):
    target = ast.Subscript(ast.Name(NAME, ast.Load()), ast.Constant(line), ast.Store())
    return ast.copy_location(ast.Assign([target], ast.Constant(1)), at)


def _also(expression, line):
    """`expression`, after a note."""
    method = ast.Attribute(ast.Name(NAME, ast.Load()), "__setitem__", ast.Load())
    call = ast.Call(method, [ast.Constant(line), ast.Constant(1)], [])
    return ast.copy_location(ast.BoolOp(ast.Or(), [call, expression]), expression)


def _note_cases(node):
    """Note the lines of a match's cases: those that were tried before the one that matches."""
    tried = []
    for case in node.cases:
        tried.append(case.pattern.lineno)
        case.body[:0] = [_note(line, case.body[0]) for line in tried]
    last = node.cases[-1]
    if last.guard or not isinstance(last.pattern, ast.MatchAs) or last.pattern.pattern:
        notes = [_note(line, node) for line in tried]
        node.cases.append(ast.match_case(ast.copy_location(ast.MatchAs(), node), None, notes))


_LEFT_OUT = pytest.StashKey()


class _Finder:
    """Finds the library's modules as Python does, to be loaded with notes."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] != PACKAGE:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec and (spec.origin or "").startswith(str(PROJECT / PACKAGE)):
            spec.loader = _Loader(name, spec.origin)
        return spec


class _Loader(SourceFileLoader):
    """As its base, but never from a file of bytecode, which has no notes."""

    def get_code(self, fullname):
        path = self.get_filename(fullname)
        source = self.get_data(path)
        NOTED.setdefault(path, [0] * (source.count(b"\n") + 2))
        return compile(noting(source, path), path, "exec", dont_inherit=True)


class Plugin:
    """Notes lines of what is imported from here on, and hands them to coverage at the end.

    Coverage is used as pytest-cov has begun it, but does not trace.
    """

    def __init__(self, measured):
        self.measured = measured
        setattr(builtins, OF_ALL, NOTED)
        sys.meta_path.insert(0, _Finder)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self):
        self.measured.cov_controller.cov.stop()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        """As pytest-cov does for `no_cover`, which would trace afterwards."""
        if not item.stash.get(_LEFT_OUT, False):
            return (yield)
        before = {path: noted[:] for path, noted in NOTED.items()}
        try:
            return (yield)
        finally:
            for path, noted in NOTED.items():
                noted[:] = before.get(path) or [0] * len(noted)

    @pytest.hookimpl(wrapper=True, trylast=True)  # within pytest-cov's, which saves them
    def pytest_runtestloop(self):
        result = yield
        self.measured.cov_controller.cov.get_data().add_lines(lines())
        return result
