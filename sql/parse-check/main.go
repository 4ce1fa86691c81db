// Parse-check reads SQL meant for CockroachDB and has CockroachDB's own parser judge it.
//
//	parse-check file.sql.. statements.jsonl..
//
// A .sql file is a migration: statements with semicolons. A .jsonl file holds one object a line, {"name", "text"}, as
// the lint of the sql crate writes it; there each text must be exactly one statement. Every mistake is printed; the
// exit status is 1 when there is one, 2 when a file cannot be read. The parser knows the grammar only: neither tables
// nor functions nor types are looked up.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/parser"
)

type statement struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: parse-check file.sql.. statements.jsonl..")
		os.Exit(2)
	}
	parsed, mistakes := 0, 0
	for _, path := range os.Args[1:] {
		check := checkLines
		if strings.HasSuffix(path, ".sql") {
			check = checkFile
		}
		good, found, err := check(path)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
			os.Exit(2)
		}
		for _, mistake := range found {
			fmt.Printf("%s: %s\n", path, mistake)
		}
		parsed += good
		mistakes += len(found)
	}
	fmt.Printf("%d statements parsed, %d refused\n", parsed, mistakes)
	if mistakes > 0 || parsed == 0 {
		os.Exit(1)
	}
}

// checkFile parses a whole migration file.
func checkFile(path string) (int, []string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, nil, err
	}
	statements, err := parser.Parse(string(text))
	if err != nil {
		return 0, []string{oneLine(err)}, nil
	}
	return len(statements), nil, nil
}

// checkLines parses the statements of a dump, one by one.
func checkLines(path string) (int, []string, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, nil, err
	}
	defer file.Close()
	good, mistakes := 0, []string(nil)
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var one statement
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			return good, mistakes, err
		}
		if _, err := parser.ParseOne(one.Text); err != nil {
			mistakes = append(mistakes, one.Name+": "+oneLine(err))
			continue
		}
		good++
	}
	return good, mistakes, lines.Err()
}

func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}
