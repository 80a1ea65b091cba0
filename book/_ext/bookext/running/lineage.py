"""Which records a figure stems from, followed through the cells of a notebook.

    %load_ext bookext.running.lineage

From then on every `Picture` that a cell shows carries, in the metadata of its output, the records
that it was drawn from. Kernels of the book load it, and the list is printed under the figure.

A statement stems from the records that were read while it ran, and from those of the variables that
it uses; what it assigns or changes stems from the same. So means that an earlier cell computed
are followed as well as results themselves. A variable that holds results stems from just these; of
the others, one may be said to stem from too many, but never from too few, unless a function changes
something other than its first argument.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

__all__ = ["Lineage", "load_ipython_extension"]

_MARK = "__cnnref_statement__"
_COMPOUND = (ast.If, ast.While, ast.Try, ast.Match)


def _results_in(value: Any) -> set[tuple[str, int]] | None:
    """The records of a result, or of results in a list or under names; of anything else, none."""
    if hasattr(value, "records") and hasattr(value, "experiment"):
        return {(value.experiment.name, seed) for seed in value.seeds}
    parts = value.values() if isinstance(value, dict) else value
    found: set[tuple[str, int]] = set()
    for part in parts if isinstance(value, dict | list | tuple) else ():
        held = _results_in(part)
        if held is None:
            return None
        found |= held
    return found or None


class Lineage(ast.NodeTransformer):
    """Follows the statements of a notebook: add it to a shell's `ast_transformers`."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        """Nothing is known yet of these variables."""
        self.values = values
        self.opened: set[tuple[str, int]] = set()
        self.facts: dict[tuple[str, int], dict[str, Any]] = {}
        self.stems: dict[str, set[tuple[str, int]]] = {}
        self.functions: dict[str, set[str]] = {}
        self.imported: set[str] = set()
        self.statements: list[ast.stmt] = []
        self.now: ast.stmt | None = None

    def visit_Module(self, module: ast.Module) -> ast.Module:
        """Have each statement of a cell announce itself."""
        marked: list[ast.stmt] = []
        for statement in module.body:
            call = f"{_MARK}({len(self.statements)})"
            mark = ast.copy_location(ast.parse(call).body[0], statement)
            if not (isinstance(statement, ast.ImportFrom) and statement.module == "__future__"):
                marked.append(ast.fix_missing_locations(mark))
            marked.append(statement)
            self.statements.append(statement)
        module.body = marked
        return module

    def note(self, name: str, record: Any) -> None:
        """A record has been read: `cnnref.experiments.runner` tells its listeners.

        Args:
            name: of the experiment.
            record: a `cnnref.experiments.Record`.
        """
        self.opened.add((name, record.seed))
        self.facts[name, record.seed] = record["provenance"]

    def begin(self, number: int) -> None:
        """A statement begins, so the one before has ended."""
        self.end()
        # To import it here would cost every page, with experiments or without, a second.
        runner = sys.modules.get("cnnref.experiments.runner")
        if runner is not None and self.note not in runner.listeners:
            runner.listeners.append(self.note)
        self.now = self.statements[number]

    def end(self, *_: Any) -> None:
        """The statement has ended; what it read belongs to what it assigned."""
        if self.now is not None:
            self._follow([self.now])
        self.now, self.opened = None, set()

    def of_now(self) -> list[dict[str, Any]]:
        """The records behind the statement that runs: an entry for each experiment."""
        found = self.opened | (self._stems_of(self.now) if self.now else set())
        found &= self.facts.keys()
        entries = []
        for name in sorted({name for name, _ in found}):
            seeds = sorted(seed for other, seed in found if other == name)
            facts = [self.facts[name, seed] for seed in seeds]
            entries.append({
                "experiment": name,
                "seeds": seeds,
                "devices": sorted({fact["device_name"] for fact in facts}),
                "dates": sorted({fact["date"][:10] for fact in facts}),
            })  # fmt: skip
        return entries

    def _stems_of(self, *nodes: ast.AST | None, seen: frozenset[str] = frozenset()) -> set[Any]:
        """What some expressions stem from; names that they bind themselves are their own."""
        found: set[Any] = set()
        for node in nodes:
            parts = [*ast.walk(node or ast.Pass())]
            names = [part for part in parts if isinstance(part, ast.Name)]
            own = {name.id for name in names if not isinstance(name.ctx, ast.Load)}
            for part in parts:
                match part:
                    case ast.Subscript(value=ast.Name(id=name) as whole, slice=ast.Constant(key)):
                        with suppress(LookupError, TypeError):
                            # Nothing but a dictionary is asked: of others, that may do anything.
                            held = _results_in(dict.get(self.values[name], key))
                            found |= held or set()
                            names = [n for n in names if n is not whole or held is None]
            for name in {name.id for name in names} - own - seen:
                held = _results_in(self.values.get(name))
                if held is not None:
                    found |= held
                    continue
                found |= self.stems.get(name, set())
                body = [ast.Name(other, ast.Load()) for other in self.functions.get(name, ())]
                found |= self._stems_of(*body, seen=seen | {name})
        return found

    def _follow(self, statements: Iterable[ast.stmt], *, add: bool = False) -> None:
        for statement in statements:
            match statement:
                case ast.FunctionDef() | ast.ClassDef():
                    parts = [*ast.walk(statement)]
                    walked = [part for part in parts if isinstance(part, ast.Name)]
                    own = {name.id for name in walked if not isinstance(name.ctx, ast.Load)}
                    own |= {part.arg for part in parts if isinstance(part, ast.arg)}
                    self.functions[statement.name] = {name.id for name in walked} - own
                    self.stems.pop(statement.name, None)
                case ast.Import(names=names) | ast.ImportFrom(names=names):
                    self.imported |= {(one.asname or one.name).split(".")[0] for one in names}
                case ast.For(target=target, iter=values, body=body, orelse=orelse):
                    self._bind(target, self._stems_of(values) | self.opened, add)
                    for _ in range(2):  # what is changed below may be used above
                        self._follow([*body, *orelse], add=add)
                case ast.With(items=items, body=body):
                    for item in items:
                        self._bind(item.optional_vars, self._stems_of(item.context_expr), add)
                    self._follow(body, add=add)
                case _ if isinstance(statement, _COMPOUND):
                    inside = [p for p in ast.walk(statement) if isinstance(p, ast.stmt)]
                    self._follow([p for p in inside if not isinstance(p, _COMPOUND)], add=True)
                case ast.Assign(targets=targets, value=value):
                    stems = self._changed_by(value)
                    for target in targets:
                        self._bind(target, stems, add)
                case ast.AugAssign(target=target, value=value):
                    self._bind(target, self._changed_by(value), True)
                case ast.AnnAssign(target=target, value=value):
                    self._bind(target, self._changed_by(value), add)
                case ast.Expr(value=value):
                    self._changed_by(value)

    def _changed_by(self, value: ast.expr | None) -> set[Any]:
        """What an expression stems from; its calls may have changed what they were given."""
        stems = self._stems_of(value) | self.opened
        for part in ast.walk(value or ast.Pass()):
            if isinstance(part, ast.NamedExpr):
                self._bind(part.target, stems, False)
            elif isinstance(part, ast.Call):
                if isinstance(part.func, ast.Attribute):
                    self._bind(part.func, self._stems_of(part) | self.opened, True)
                elif isinstance(part.func, ast.Name) and not hasattr(builtins, part.func.id):
                    for first in part.args[:1]:
                        self._bind(first, self._stems_of(part) | self.opened, True)
        return stems

    def _bind(self, target: ast.AST | None, stems: set[Any], add: bool) -> None:
        match target:
            case ast.Name(id=name) if not (add and name in self.imported):
                self.stems[name] = stems | (self.stems.get(name, set()) if add else set())
                if not add:
                    self.functions.pop(name, None)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for part in parts:
                    self._bind(part, stems, add)
            case ast.Starred(value=part):
                self._bind(part, stems, add)
            case ast.Subscript(value=part) | ast.Attribute(value=part):
                self._bind(part, stems, True)


def load_ipython_extension(shell: Any) -> None:
    """Follow the cells of a shell; IPython calls this for `%load_ext bookext.running.lineage`.

    Args:
        shell: the running `IPython.core.interactiveshell.InteractiveShell`.
    """
    lineage = Lineage(shell.user_ns)
    shell.ast_transformers.append(lineage)
    shell.user_ns_hidden[_MARK] = shell.user_ns[_MARK] = lineage.begin
    shell.events.register("post_run_cell", lineage.end)

    def bundle(picture: Any) -> Any:
        shown, metadata = picture._repr_mimebundle_()
        if entries := lineage.of_now():
            for words in metadata.values():
                words["trained"] = entries
        return shown, metadata

    formatter = shell.display_formatter.mimebundle_formatter
    formatter.for_type_by_name("cnnref.figures.style", "Picture", bundle)


def unload_ipython_extension(shell: Any) -> None:
    """Follow no longer.

    Args:
        shell: the shell of `load_ipython_extension`.
    """
    for lineage in [t for t in shell.ast_transformers if isinstance(t, Lineage)]:
        runner = sys.modules.get("cnnref.experiments.runner")
        if runner is not None and lineage.note in runner.listeners:
            runner.listeners.remove(lineage.note)
        shell.ast_transformers.remove(lineage)
        shell.events.unregister("post_run_cell", lineage.end)
    shell.display_formatter.mimebundle_formatter.pop("cnnref.figures.style.Picture", None)
