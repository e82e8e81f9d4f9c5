package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the table of ARCHITECTURE.md")

const module = "rollcall/"

// listed is what go list tells of a package.
type listed struct {
	ImportPath string
	Dir        string
	Export     string
	GoFiles    []string
	Imports    []string
}

func list(t *testing.T, args ...string) (packages []listed) {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Dir,Export,GoFiles,Imports"}, args...)...)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v: %s", err, problems.String())
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); err == io.EOF {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// The layers of the store, from the top down. A layer imports, of these packages, only what
// is named here; ARCHITECTURE.md draws it.
var layers = map[string][]string{
	"store": {
		"store/internal/lsm", "store/internal/rollup", "store/internal/packed", "store/internal/boltfile", "store/internal/record",
		"store/internal/crypt", "store/internal/kv", "internal/civil", "internal/snowflake", "internal/atomicfile",
	},
	"store/internal/lsm":      {"store/internal/record", "store/internal/kv", "internal/civil", "internal/snowflake"},
	"store/internal/rollup":   {"store/internal/packed", "store/internal/record", "store/internal/kv", "internal/civil", "internal/snowflake"},
	"store/internal/packed":   {"store/internal/kv", "internal/snowflake"},
	"store/internal/boltfile": {"store/internal/kv", "internal/atomicfile"},
	"store/internal/record":   {"store/internal/crypt", "store/internal/kv", "internal/civil", "internal/snowflake"},
	"store/internal/crypt":    {"store/internal/kv"},
	"store/internal/kv":       {},
	"internal/civil":          {},
	"internal/snowflake":      {},
	"internal/atomicfile":     {},
}

// Dependencies between the layers of the store point down, and only the layers know bbolt.
func TestLayers(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range list(t, "./...") {
		name := strings.TrimPrefix(p.ImportPath, module)
		below, isLayer := layers[name]
		seen[name] = true
		for _, path := range p.Imports {
			imported, ours := strings.CutPrefix(path, module)
			switch {
			case strings.HasPrefix(path, "go.etcd.io/bbolt") && !strings.HasPrefix(name, "store/internal/"):
				t.Errorf("%s imports %s: only the layers of the store do", name, path)
			case !ours:
			case isLayer && layers[imported] != nil && !slices.Contains(below, imported):
				t.Errorf("%s imports %s: that is no edge of the drawing in ARCHITECTURE.md", name, imported)
			case isLayer && name != "store" && layers[imported] == nil:
				t.Errorf("%s imports %s, which is none of the layers", name, imported)
			}
		}
	}
	for name := range layers {
		if !seen[name] {
			t.Errorf("there is no package %s", name)
		}
	}
}

// Nothing that lsm exports takes a function: what has to be done above it is in a plan that
// it returns.
func TestNoCallbacksFromLSM(t *testing.T) {
	pkg, _, _ := typeCheck(t, "store/internal/lsm")
	for _, name := range pkg.Scope().Names() {
		for _, f := range functionsOf(pkg.Scope().Lookup(name)) {
			for v := range f.Signature().Params().Variables() {
				if _, is := v.Type().Underlying().(*types.Signature); is && f.Exported() {
					t.Errorf("%s takes a function, %s", f.FullName(), v.Name())
				}
			}
		}
	}
}

// functionsOf returns a function, or the methods of a type.
func functionsOf(o types.Object) (functions []*types.Func) {
	switch o := o.(type) {
	case *types.Func:
		functions = append(functions, o)
	case *types.TypeName:
		if named, ok := o.Type().(*types.Named); ok {
			functions = slices.Collect(named.Methods())
		}
	}
	return functions
}

// mostKnotted is the largest number of files of store/ that may all need each other.
const mostKnotted = 26

// Files of store/ need each other where one uses a function, type, variable, constant or
// method that the other declares. Files that all reach each other are a knot: none of
// them can be understood, or moved, without the others. go test -v -run Knot . tells.
func TestStoreKnot(t *testing.T) {
	pkg, files, uses := typeCheck(t, "store")
	needs := map[string]map[string]bool{}
	for file, f := range files {
		needs[file] = map[string]bool{}
		ast.Inspect(f, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok {
				return true
			}
			o := uses.Uses[id]
			if o == nil || o.Pkg() != pkg {
				return true
			}
			f, isFunc := o.(*types.Func)
			if isMethod := isFunc && f.Signature().Recv() != nil; o.Parent() != pkg.Scope() && !isMethod {
				return true
			}
			if other := filepath.Base(uses.position(o)); other != file {
				needs[file][other] = true
			}
			return true
		})
	}
	knot := largestKnot(needs)
	slices.Sort(knot)
	t.Logf("store/ has %d files; the largest knot is of %d: %s", len(files), len(knot), strings.Join(knot, " "))
	if len(knot) > mostKnotted {
		t.Errorf("%d files of store/ all need each other, at most %d should", len(knot), mostKnotted)
	}
}

// largestKnot returns the largest set of files that all reach each other.
func largestKnot(needs map[string]map[string]bool) (largest []string) {
	reach := map[string]map[string]bool{}
	for from := range needs {
		seen, open := map[string]bool{}, []string{from}
		for len(open) > 0 {
			at := open[len(open)-1]
			open = open[:len(open)-1]
			for next := range needs[at] {
				if !seen[next] {
					seen[next] = true
					open = append(open, next)
				}
			}
		}
		reach[from] = seen
	}
	for a := range reach {
		var knot []string
		for b := range reach[a] {
			if reach[b][a] {
				knot = append(knot, b)
			}
		}
		if len(knot) > len(largest) {
			largest = knot
		}
	}
	return largest
}

// checked is what the type checker found out of a package.
type checked struct {
	*types.Info
	fset *token.FileSet
}

func (c checked) position(o types.Object) string { return c.fset.Position(o.Pos()).Filename }

// typeCheck type-checks a package of this module, and returns its files by name.
func typeCheck(t *testing.T, folder string) (*types.Package, map[string]*ast.File, checked) {
	t.Helper()
	exports := map[string]string{}
	var target listed
	for _, p := range list(t, "-export", "-deps", "./"+folder) {
		if exports[p.ImportPath] = p.Export; p.ImportPath == module+folder {
			target = p
		}
	}
	uses := checked{&types.Info{Uses: map[*ast.Ident]types.Object{}}, token.NewFileSet()}
	files := map[string]*ast.File{}
	for _, name := range target.GoFiles {
		f, err := parser.ParseFile(uses.fset, filepath.Join(target.Dir, name), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = f
	}
	config := types.Config{Importer: importer.ForCompiler(uses.fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})}
	pkg, err := config.Check(module+folder, uses.fset, slices.Collect(maps.Values(files)), uses.Info)
	if err != nil {
		t.Fatal(err)
	}
	return pkg, files, uses
}

var (
	tableRow = regexp.MustCompile("^\\| `([^`]+)` \\| (.*?) \\|( .*)? \\|$")
	cellWord = regexp.MustCompile(`[^ ,]+`)
)

// The table of folders in ARCHITECTURE.md names, for each, the others that it imports: a row
// stands for its folder and all below it that have no row of their own. What is named and
// is no folder is a library. go test -run Architecture -update . rewrites it.
func TestArchitectureTable(t *testing.T) {
	document, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(document), "\n")
	rows := map[string]int{} // line of each folder's row
	for i, line := range lines {
		if m := tableRow.FindStringSubmatch(line); m != nil {
			rows[strings.TrimSuffix(m[1], "main.go")] = i
		}
	}
	rowOf := func(name string) string {
		for at := name; ; at = at[:strings.LastIndexByte(at, '/')] {
			if _, ok := rows[at]; ok {
				return at
			}
			if !strings.Contains(at, "/") {
				t.Errorf("ARCHITECTURE.md has no row for %s", name)
				return at
			}
		}
	}
	imports := map[string]map[string]bool{}
	for _, p := range list(t, "./...") {
		row := ""
		if name, ok := strings.CutPrefix(p.ImportPath, module); ok {
			row = rowOf(name)
		}
		if imports[row] == nil {
			imports[row] = map[string]bool{}
		}
		for _, path := range p.Imports {
			if name, ok := strings.CutPrefix(path, module); ok {
				if other := rowOf(name); other != row {
					imports[row][other] = true
				}
			}
		}
	}
	for row, of := range imports {
		at, ok := rows[row]
		if !ok {
			continue // told above
		}
		m := tableRow.FindStringSubmatch(lines[at])
		want := slices.Sorted(maps.Keys(of))
		var have, libraries []string
		for _, word := range cellWord.FindAllString(m[3], -1) {
			if _, err := os.Stat(word); err == nil {
				have = append(have, word)
			} else {
				libraries = append(libraries, word)
			}
		}
		if slices.Sort(have); slices.Equal(have, want) {
			continue
		}
		lines[at] = fmt.Sprintf("| `%s` | %s | %s |", m[1], m[2], strings.Join(append(want, libraries...), ", "))
		if !*update {
			t.Errorf("ARCHITECTURE.md: the row of %s names %q, go list names %q (-update rewrites it)", m[1], have, want)
		}
	}
	if *update {
		if err := os.WriteFile("ARCHITECTURE.md", []byte(strings.Join(lines, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
