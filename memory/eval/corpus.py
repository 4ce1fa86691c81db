"""The corpus of `make eval-memory` and `make eval-lift`, as one JSON file, from linters that are installed when it is built.

Documents are the rules of ruff: what a rule is about, why, how it is mended. Queries are what pylint, flake8-bugbear and
bandit say of the same rule in their own words; the rule with the same code is the right answer. Codes and names of rules
are taken out of both sides, so that only the words of the texts can match. Beside each query stands the rank that a
public BM25 (bm25s, its own tokenizer, Snowball stems) gives the right answer.
"""

import importlib
import inspect
import json
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

# Sections that name other tools and their pages, not the problem.
NOT_THE_PROBLEM = ("References", "See also", "Related rules", "Options", "Removed", "Removal")


def documents():
    ruff = Path(sys.executable).parent / "ruff"
    rules = json.loads(subprocess.check_output([ruff, "rule", "--all", "--output-format", "json"]))
    return sorted((document(rule) for rule in rules), key=lambda doc: doc["id"])


def document(rule):
    sections = re.split(r"^## +(.*)$", rule["explanation"], flags=re.MULTILINE)
    named = [(name, text.strip()) for name, text in zip(sections[1::2], sections[2::2]) if name not in NOT_THE_PROBLEM]
    about = [text for name, text in named if name in ("What it does", "Why is this bad?")]
    mended = [text for name, text in named if name not in ("What it does", "Why is this bad?")]
    return {
        "id": rule["code"] or rule["name"],
        "title": rule["summary"],
        "description": "\n".join(about),
        "solution": "\n".join(mended),
        # Each section alone, for who tells the problem in part.
        "sections": about,
    }


def queries(known):
    """One query a text: what is said of several rules in the same words has no right answer and is left out."""
    golds = {}
    for each in [*pylint(), *bugbear(), *bandit()]:
        golds.setdefault(each["text"], {})[each["gold"]] = each
    found = [each for by_gold in golds.values() if len(by_gold) == 1 for each in by_gold.values()]
    return sorted((each for each in found if each["text"] and each["gold"] in known), key=lambda each: each["id"])


def pylint():
    import pylint.extensions
    from pylint.lint import PyLinter

    linter = PyLinter()
    linter.load_default_plugins()
    for module in pkgutil.iter_modules(pylint.extensions.__path__):
        if not module.name.startswith("_"):
            linter.load_plugin_modules([f"pylint.extensions.{module.name}"])
    for message in linter.msgs_store.messages:
        yield query("pylint", message.msgid, f"PL{message.msgid}", message.description)


def bugbear():
    module = importlib.import_module("bugbear")
    for code, error in module.error_codes.items():
        message = getattr(error, "message", error)
        yield query("bugbear", code, code, re.sub(r"^B\d+:? *|\{[^}]*\}", "", str(message)))


def bandit():
    from bandit.core import extension_loader

    manager = extension_loader.MANAGER
    for extension in manager.plugins:
        code = extension.plugin._test_id
        yield query("bandit", code, code.replace("B", "S", 1), bandit_text(extension.plugin))
    for rule in [rule for rules in manager.blacklist.values() for rule in rules]:
        text = rule["message"].replace("{name}", rule["qualnames"][0])
        yield query("bandit", rule["id"], rule["id"].replace("B", "S", 1), text)


def bandit_text(plugin):
    """What bandit says of its rule: no heading, no example, no list of links, no configuration."""
    module = sys.modules[plugin.__module__].__doc__
    doc = inspect.cleandoc(module or plugin.__doc__ or "")
    doc = re.split(r"^:Example|^\.\. seealso|^\*\*Config Options", doc, flags=re.MULTILINE)[0]
    lines = [line for line in doc.splitlines() if not re.match(r"^[=\-+| ]+$|^\**B\d+: ", line)]
    return "\n".join(lines)


def query(tool, code, gold, text):
    return {"id": f"{tool}:{code}", "gold": gold, "text": " ".join(text.split())}


def public_bm25(texts, asked):
    """The rank of the right answer of each query: the number of a text in `texts`."""
    import bm25s
    import Stemmer

    stemmer = Stemmer.Stemmer("english")

    def tokens(texts):
        return bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, show_progress=False)

    retriever = bm25s.BM25()
    retriever.index(tokens(list(texts.values())), show_progress=False)
    order, _ = retriever.retrieve(tokens([each["text"] for each in asked]), k=len(texts), show_progress=False)
    ids = list(texts)
    return [1 + [ids[int(position)] for position in ranked].index(each["gold"]) for each, ranked in zip(asked, order)]


def main():
    docs = documents()
    asked = queries({doc["id"] for doc in docs})
    problems = {doc["id"]: doc["title"] + "\n" + doc["description"] for doc in docs}
    whole = {doc["id"]: problems[doc["id"]] + "\n" + doc["solution"] for doc in docs}
    for each, rank, rank_in_whole in zip(asked, public_bm25(problems, asked), public_bm25(whole, asked)):
        each["public_bm25_rank"] = rank
        each["public_bm25_rank_in_whole"] = rank_in_whole
    words = sum(len(each["text"].split()) for each in asked) / len(asked)
    print(f"{len(docs)} documents, {len(asked)} queries of {words:.0f} words", file=sys.stderr)
    Path(sys.argv[1]).write_text(json.dumps({"documents": docs, "queries": asked}, indent=1))


main()
