package cli_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What the system says and not we.
var systems = []string{"permission denied", "no such file or directory", "input/output error", "listen tcp"}

// Each line that docs/operations.md says what to do about is one that the program can
// say: its parts, between the dots that are for what differs and where an error wraps
// another one, stand in the source.
func TestFailuresAreReal(t *testing.T) {
	root := filepath.Join("..", "..")
	source := sourceText(t, root)
	text, err := os.ReadFile(filepath.Join(root, "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## When something fails\n")
	said := regexp.MustCompile("`([^`]+)`")
	joint := regexp.MustCompile(`…|[:;,] | \(`)
	lines := 0
	for row := range strings.SplitSeq(section, "\n") {
		cells := strings.Split(row, " | ")
		if !strings.HasPrefix(row, "| `") || len(cells) < 2 {
			continue
		}
		for _, line := range said.FindAllStringSubmatch(cells[0], -1) {
			lines++
			for _, part := range joint.Split(line[1], -1) {
				part = strings.Trim(part, ` ":;,()`)
				if !strings.Contains(source, part) && !slices.Contains(systems, part) {
					t.Errorf("nothing says %q, of %q", part, line[1])
				}
			}
		}
	}
	if lines < 80 {
		t.Errorf("only %d lines were found", lines)
	}
}

// sourceText is the program without its tests and the simulator.
func sourceText(t *testing.T, root string) string {
	t.Helper()
	var all strings.Builder
	for _, top := range []string{"main.go", "config", "store", "tracker", "migration", "internal"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (d.Name() == "simulator" || d.Name() == "bench" || d.Name() == "testdata"):
				return fs.SkipDir
			case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			b, err := os.ReadFile(path)
			all.Write(b)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return strings.ReplaceAll(all.String(), `\"`, `"`)
}
