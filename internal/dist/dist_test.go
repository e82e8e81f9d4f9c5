package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"debug/elf"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// sourceOf copies what git would have of the module, with what is not committed yet.
func sourceOf(t *testing.T, root, to string) {
	t.Helper()
	listed, err := git(root, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(strings.Trim(listed, "\x00"), "\x00") {
		content, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // removed, and not committed yet
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := writeFile(filepath.Join(to, name), content); err != nil {
			t.Fatal(err)
		}
	}
}

// contents returns the files of a folder by name.
func contents(t *testing.T, folder string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = content
	}
	return files
}

// TestReproducible builds a release twice, in folders of different names and depths, by
// callers with different habits, and wants the same bytes. What is in them is looked at
// in the subtests.
func TestReproducible(t *testing.T) {
	const version, commit = "1.2.3-rc.4", "0123456789abcdef0123456789abcdef01234567"
	root := filepath.Join("..", "..")
	dist := filepath.Join(t.TempDir(), "dist")
	if _, err := output(exec.Command("go", "build", "-trimpath", "-o", dist, ".")); err != nil {
		t.Fatal(err)
	}
	var built [2]string
	for i, habits := range []struct {
		folder, umask string
		env           []string
	}{
		{"a", "022", []string{"TZ=UTC", "LC_ALL=C"}},
		{"another place/deeper", "077", []string{"TZ=Asia/Tokyo", "LC_ALL=C.UTF-8", "GOAMD64=v3", "GOFLAGS=-buildvcs=false", "USER=somebody"}},
	} {
		source := filepath.Join(t.TempDir(), habits.folder)
		sourceOf(t, root, source)
		built[i] = filepath.Join(t.TempDir(), "out")
		cmd := exec.Command("sh", "-c", `umask "$0" && exec "$@"`, habits.umask,
			dist, "-version", version, "-commit", commit, "-time", "1800000000", "-out", built[i])
		cmd.Dir = filepath.Join(source, "internal", "dist")
		cmd.Env = append(os.Environ(), habits.env...)
		if _, err := output(cmd); err != nil {
			t.Fatal(err)
		}
	}
	first, second := contents(t, built[0]), contents(t, built[1])
	if want := 6 + 6 + 2 + 2; len(first) != want {
		t.Errorf("%d files, want %d: %q", len(first), want, slices.Sorted(maps.Keys(first)))
	}
	for name, content := range first {
		if !bytes.Equal(content, second[name]) {
			t.Errorf("%s is not the same twice", name)
		}
		delete(second, name)
	}
	if len(second) > 0 {
		t.Errorf("the second time only: %q", slices.Sorted(maps.Keys(second)))
	}

	r := release{version: version}
	t.Run("checksums", func(t *testing.T) {
		var want strings.Builder
		for _, name := range slices.Sorted(maps.Keys(first)) {
			if name != "SHA256SUMS" {
				fmt.Fprintf(&want, "%x  %s\n", sha256.Sum256(first[name]), name)
			}
		}
		if got := string(first["SHA256SUMS"]); got != want.String() {
			t.Errorf("got\n%s\nwant\n%s", got, &want)
		}
	})
	t.Run("version", func(t *testing.T) {
		here := platform{runtime.GOOS, runtime.GOARCH}
		got, err := output(exec.Command(filepath.Join(built[0], r.binary(here)), "version"))
		want := fmt.Sprintf("rollcall %s (commit %s, %s, %s)\n", version, commit, runtime.Version(), here)
		if err != nil || got != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	})
	t.Run("static", func(t *testing.T) {
		for _, p := range platforms {
			if p.os != "linux" {
				continue
			}
			f, err := elf.Open(filepath.Join(built[0], r.binary(p)))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			for _, part := range f.Progs {
				if part.Type == elf.PT_INTERP || part.Type == elf.PT_DYNAMIC {
					t.Errorf("%s needs a linker: it has a part of type %s", p, part.Type)
				}
			}
		}
	})
	t.Run("bills", func(t *testing.T) {
		licences := string(first["rollcall-"+version+"-licences.txt"])
		for _, want := range []string{"LICENSE", "internal/words/cjk/data/NOTICE"} {
			if !strings.Contains(licences, "\nrollcall "+version+": "+want+"\n") {
				t.Errorf("our own %s is not among the licences", want)
			}
		}
		for _, p := range platforms {
			bill(t, p, filepath.Join(built[0], r.binary(p)), first[strings.TrimSuffix(r.binary(p), ".exe")+".cdx.json"], licences)
		}
	})
}

// bill compares an SBOM with what the toolchain has noted in the binary, and wants a
// licence for everything in it.
func bill(t *testing.T, p platform, binary string, sbom []byte, licences string) {
	t.Helper()
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, m := range info.Deps {
		want = append(want, m.Path+" "+m.Version)
	}
	var document struct {
		BOMFormat, SpecVersion string
		Metadata               struct {
			Component struct{ Name, Version, PURL string }
		}
		Components []struct{ Name, Version string }
	}
	if err := json.Unmarshal(sbom, &document); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range document.Components {
		name := c.Name + " " + c.Version
		if c.Name == "std" {
			name = "Go's standard library " + runtime.Version()
		} else {
			got = append(got, name)
		}
		if !strings.Contains(licences, "\n"+name+": ") {
			t.Errorf("%s: no licence of %s", p, name)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s: the SBOM has %q, the binary %q", p, got, want)
	}
	main := document.Metadata.Component
	if document.BOMFormat != "CycloneDX" || main.Name != "rollcall" || !strings.Contains(main.PURL, "goarch="+p.arch+"&goos="+p.os) {
		t.Errorf("%s: the SBOM begins with %+v", p, document)
	}
	if len(got) == len(document.Components) {
		t.Errorf("%s: the SBOM has no standard library", p)
	}
}
