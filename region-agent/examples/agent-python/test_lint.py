"""Run with: python3 -m unittest discover -s region-agent/examples/agent-python"""

import unittest

import lint


def fixed(source, path="a.py"):
    return lint.fix(path, source)[0]


def rules(source, path="a.py"):
    return [finding.rule for finding in lint.fix(path, source)[1]]


class Fixing(unittest.TestCase):
    def test_an_unused_import_goes(self):
        self.assertEqual(fixed("import os\nimport sys\n\nprint(sys.argv)\n"), "import sys\n\nprint(sys.argv)\n")

    def test_the_used_half_of_an_import_stays(self):
        source = "from os import (\n    path,\n    sep,\n)\n\nprint(sep)\n"
        self.assertEqual(fixed(source), "from os import sep\n\nprint(sep)\n")

    def test_an_import_under_another_name_is_used_by_that_name(self):
        self.assertEqual(fixed("import json as j\n\nprint(j)\n"), "import json as j\n\nprint(j)\n")
        self.assertEqual(rules("import json as j\n\nprint(json)\n"), ["unused-import"])

    def test_a_package_is_used_by_its_first_part(self):
        source = "import os.path\n\nprint(os.path.sep)\n"
        self.assertEqual(fixed(source), source)

    def test_what_may_be_meant_stays(self):
        for source in [
            "from __future__ import annotations\n",
            "from os import *\n",
            "import os  # noqa\n",
            "import os; import sys\n",
            "try:\n    import fast\nexcept ImportError:\n    fast = None\n",
            "from typing import List\n\n\ndef f(x: 'List[int]'):\n    return x\n",
            "from a import b\n\n__all__ = ['b']\n",
        ]:
            self.assertEqual(fixed(source), source)
        self.assertEqual(fixed("import os\n", "pkg/__init__.py"), "import os\n")

    def test_trailing_space_goes_but_not_inside_strings(self):
        self.assertEqual(fixed("x = 1  \n"), "x = 1\n")
        source = 'x = """a  \nb"""\n'
        self.assertEqual(fixed(source), source)

    def test_a_file_ends_with_one_newline(self):
        self.assertEqual(fixed("x = 1"), "x = 1\n")
        self.assertEqual(fixed("x = 1\n\n\n"), "x = 1\n")
        self.assertEqual(fixed(""), "")

    def test_a_file_that_does_not_parse_is_told_and_left(self):
        source = "def f(:\n  pass  \n"
        self.assertEqual(fixed(source), source)
        self.assertEqual(rules(source), ["syntax"])

    def test_the_second_run_finds_nothing(self):
        once = fixed("import os \nfrom a import b, c\nprint(c)")
        self.assertEqual(lint.fix("a.py", once), (once, []))


if __name__ == "__main__":
    unittest.main()
