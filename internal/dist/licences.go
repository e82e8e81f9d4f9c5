package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// module is one that the program is made of.
type module struct {
	name   string          // path and version
	folder string          // where its source is
	within map[string]bool // folders of its packages that are linked in
}

// licenceFile matches the names of files that have to go with copies of a module.
var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice)([.-]|$)`)

// writeLicences writes our licence and those of all that is linked into the binaries of
// the platforms. Copies of the program have to come with them.
func (r release) writeLicences(file string, platforms []platform) error {
	ours, err := os.ReadFile(filepath.Join(r.root, "LICENSE"))
	if err != nil {
		return err
	}
	modules, err := r.modules(platforms)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "rollcall %s\n\n%s\n", r.version, ours)
	fmt.Fprintf(&b, "The program contains the following, each under its own licence.\n")
	for _, m := range modules {
		texts, err := m.licences()
		if err != nil {
			return err
		}
		for _, path := range slices.Sorted(maps.Keys(texts)) {
			fmt.Fprintf(&b, "\n%s\n%s: %s\n\n%s\n", strings.Repeat("-", 80), m.name, path, bytes.TrimSpace(texts[path]))
		}
	}
	return os.WriteFile(file, b.Bytes(), 0o644)
}

// modules lists what is linked into the binaries of the platforms, the standard library
// first.
func (r release) modules(platforms []platform) ([]module, error) {
	found := map[string]module{}
	for _, p := range platforms {
		listed, err := output(r.goCommand(p, "list", "-deps",
			"-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}\t{{.Dir}}\t{{$.Dir}}{{end}}{{end}}", "."))
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(listed) {
			fields := strings.Split(strings.TrimSpace(line), "\t")
			if len(fields) != 3 {
				continue // the standard library's, or our own
			}
			m, ok := found[fields[0]]
			if !ok {
				m = module{fields[0], fields[1], map[string]bool{}}
				found[m.name] = m
			}
			m.within[fields[2]] = true
		}
	}
	described, err := output(r.goCommand(platforms[0], "env", "GOVERSION", "GOROOT"))
	if err != nil {
		return nil, err
	}
	version, goroot, _ := strings.Cut(strings.TrimSpace(described), "\n")
	all := []module{{"Go's standard library " + version, goroot, nil}}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		all = append(all, found[name])
	}
	return all, nil
}

// licences returns the texts by their paths in the module: of the module itself, and of
// the packages in it that have their own because they came from elsewhere.
func (m module) licences() (map[string][]byte, error) {
	folders := map[string]bool{m.folder: true}
	for folder := range m.within {
		for ; strings.HasPrefix(folder, m.folder); folder = filepath.Dir(folder) {
			folders[folder] = true
		}
	}
	texts := map[string][]byte{}
	for folder := range folders {
		entries, err := os.ReadDir(folder)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if !e.Type().IsRegular() || !licenceFile.MatchString(e.Name()) || strings.HasSuffix(e.Name(), ".go") {
				continue
			}
			path := filepath.Join(folder, e.Name())
			text, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			relative, err := filepath.Rel(m.folder, path)
			if err != nil {
				return nil, err
			}
			texts[filepath.ToSlash(relative)] = text
		}
	}
	if len(texts) == 0 {
		return nil, fmt.Errorf("%s has no licence in %q", m.name, m.folder)
	}
	return texts, nil
}
