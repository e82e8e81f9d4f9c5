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
	within map[string]bool // folders of its packages that are linked in, and of what they embed
}

// licenceFile matches the names of files that have to go with copies of a module.
var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice)([.-]|$)`)

// writeLicences writes our licence and those of all that is linked and embedded into the
// binaries of the platforms. Copies of the program have to come with them.
func (r release) writeLicences(file string, platforms []platform) error {
	modules, err := r.modules(platforms)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString("The licences of rollcall, and of all that it contains.\n")
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

// modules lists what is linked into the binaries of the platforms: our own, the standard
// library, and the others by name.
func (r release) modules(platforms []platform) ([]module, error) {
	ours := module{"rollcall " + r.version, r.root, map[string]bool{}}
	found := map[string]module{}
	for _, p := range platforms {
		listed, err := output(r.goCommand(p, "list", "-deps",
			"-f", "{{with .Module}}{{.Path}} {{.Version}}\t{{.Main}}\t{{.Dir}}\t{{$.Dir}}{{range $.EmbedFiles}}\t{{.}}{{end}}{{end}}", "."))
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(listed) {
			fields := strings.Split(strings.TrimSpace(line), "\t")
			if len(fields) < 4 {
				continue // a package of the standard library
			}
			name, main, folder, inside, embedded := fields[0], fields[1], fields[2], fields[3], fields[4:]
			m, ok := found[name]
			if main == "true" {
				m = ours
			} else if !ok {
				m = module{name, folder, map[string]bool{}}
				found[name] = m
			}
			m.within[inside] = true
			for _, file := range embedded {
				m.within[filepath.Join(inside, filepath.Dir(file))] = true
			}
		}
	}
	described, err := output(r.goCommand(platforms[0], "env", "GOVERSION", "GOROOT"))
	if err != nil {
		return nil, err
	}
	version, goroot, _ := strings.Cut(strings.TrimSpace(described), "\n")
	all := []module{ours, {"Go's standard library " + version, goroot, nil}}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		all = append(all, found[name])
	}
	return all, nil
}

// licences returns the texts by their paths in the module: of the module itself, and of
// the folders in it that have their own because what is in them came from elsewhere.
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
