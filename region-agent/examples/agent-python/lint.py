"""A small linter and fixer with the standard library only.

Rules: `syntax` (the file does not parse; never fixed), `unused-import`, `trailing-space`, `end-of-file`.
A fix that would make the file not parse is not written.
"""

import ast
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong in a file."""

    path: str
    line: int
    rule: str
    text: str
    fixed: bool

    def as_json(self) -> dict:
        return asdict(self)


def fix_file(root: Path, path: str) -> list:
    """Fixes one file in place and returns what was found in it."""
    file = root / path
    try:
        source = file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        return [Finding(path, 1, "syntax", f"not UTF-8: {error.reason}", False)]
    fixed, findings = fix(path, source)
    if fixed != source:
        file.write_bytes(fixed.encode("utf-8"))
    return findings


def fix(path: str, source: str) -> tuple:
    """The fixed source and what was found."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        return source, [Finding(path, getattr(error, "lineno", 1) or 1, "syntax", str(error), False)]
    if "\r" in source:
        # Other line ends: whatever this would change is more than was asked for.
        return source, []
    kept = string_lines(tree)
    lines = source.split("\n")
    findings = strip_trailing_space(path, lines, kept) + drop_unused_imports(path, tree, source, lines)
    fixed = "\n".join(line for line in lines if line is not None)
    if fixed.strip() and fixed != fixed.rstrip("\n") + "\n":
        findings.append(Finding(path, source.count("\n") + 1, "end-of-file", "one newline ends a file", True))
        fixed = fixed.rstrip("\n") + "\n"
    try:
        ast.parse(fixed)
    except SyntaxError:
        return source, [Finding(f.path, f.line, f.rule, f.text, False) for f in findings]
    return fixed, sorted(findings, key=lambda finding: (finding.line, finding.rule))


def string_lines(tree: ast.AST) -> set:
    """Lines inside strings of more than one line: their spaces are content."""
    strings = (node for node in ast.walk(tree) if isinstance(node, (ast.Constant, ast.JoinedStr)))
    spans = ((node.lineno, node.end_lineno) for node in strings if node.end_lineno != node.lineno)
    return {line for first, last in spans for line in range(first, last + 1)}


def strip_trailing_space(path: str, lines: list, kept: set) -> list:
    findings = []
    for index, line in enumerate(lines):
        if index + 1 not in kept and line != line.rstrip(" \t"):
            lines[index] = line.rstrip(" \t")
            findings.append(Finding(path, index + 1, "trailing-space", "spaces at the end of a line", True))
    return findings


def drop_unused_imports(path: str, tree: ast.Module, source: str, lines: list) -> list:
    """Removes names that nothing in the file uses, from imports at its top level."""
    if path.endswith("__init__.py"):
        return []  # There an import is an export.
    used = used_names(tree)
    findings = []
    for node in tree.body:
        if not isinstance(node, (ast.Import, ast.ImportFrom)) or keeps(node, source):
            continue
        left = [alias for alias in node.names if bound_name(node, alias) in used]
        if len(left) == len(node.names):
            continue
        for alias in node.names:
            if alias not in left:
                text = f"{bound_name(node, alias)} is imported and not used"
                findings.append(Finding(path, node.lineno, "unused-import", text, True))
        rest = type(node)(**{**vars(node), "names": left})
        lines[node.lineno - 1] = ast.unparse(rest) if left else None
        for index in range(node.lineno, node.end_lineno):
            lines[index] = None
    return findings


def keeps(node: ast.stmt, source: str) -> bool:
    """Whether an import stays as it is: for its effect, by a comment, or since its lines hold more than itself."""
    if isinstance(node, ast.ImportFrom) and (node.module == "__future__" or node.names[0].name == "*"):
        return True
    text = "\n".join(source.split("\n")[node.lineno - 1 : node.end_lineno])
    return "#" in text or ";" in text or text.endswith("\\")


def bound_name(node: ast.stmt, alias: ast.alias) -> str:
    name = alias.asname or alias.name
    return name.split(".")[0] if isinstance(node, ast.Import) else name


def used_names(tree: ast.AST) -> set:
    """Every name that is read, and every word in a string, since annotations and __all__ may be strings."""
    used = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            used.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            used.update(word for word in node.value.replace(".", " ").replace("[", " ").split() if word.isidentifier())
            used.update(part.strip("]") for part in node.value.replace("[", " ").replace(",", " ").split())
    return used
