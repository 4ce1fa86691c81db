package main

import (
	"os"
	"path/filepath"
	"testing"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestMigrationsAreParsedWhole(t *testing.T) {
	cases := []struct {
		text     string
		good     int
		mistakes int
	}{
		{"CREATE TABLE a (b INT8 NOT NULL, INDEX c (b)) LOCALITY GLOBAL; COMMENT ON TABLE a IS 'it''s';", 2, 0},
		{"CREATE TABLE a (b INT8) LOCALITY REGIONAL BY COLUMN;", 0, 1},
		{"CREATE TABLE a (b INT8) PARTITION BY RANGE (b);", 0, 1},
	}
	for _, c := range cases {
		good, mistakes, err := checkFile(write(t, "a.sql", c.text))
		if err != nil || good != c.good || len(mistakes) != c.mistakes {
			t.Errorf("%q: %d good, mistakes %v, error %v", c.text, good, mistakes, err)
		}
	}
}

func TestADumpIsParsedLineByLine(t *testing.T) {
	dump := `{"name": "good", "text": "/* good */ SELECT $1::TEXT::crdb_internal_region"}
{"name": "listen", "text": "LISTEN missions"}
{"name": "two", "text": "SELECT 1; SELECT 2"}
`
	good, mistakes, err := checkLines(write(t, "a.jsonl", dump))
	if err != nil || good != 1 || len(mistakes) != 2 {
		t.Fatalf("%d good, mistakes %v, error %v", good, mistakes, err)
	}
	if _, _, err := checkLines(write(t, "b.jsonl", "no json\n")); err == nil {
		t.Fatal("a line that is no JSON is an error")
	}
}
