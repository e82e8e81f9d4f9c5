package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// goFile is a Go file that a document or comment names, with or without its folder.
var goFile = regexp.MustCompile(`(?:^|[^\w./*-])((?:[\w-]+/)*[a-z][a-z_0-9]*\.go)\b(\.\w)?`)

// Documents and comments name files that are there: in a folder as it is told from the root, from
// the folder of the text, or by its end; a bare name is one of a file of any folder. The
// changelog tells of what was.
func TestReferences(t *testing.T) {
	var files []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case !d.IsDir():
			files = append(files, filepath.ToSlash(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	exists := func(folder, name string) bool {
		if _, err := os.Stat(filepath.Join(folder, name)); err == nil {
			return true
		}
		for _, file := range files {
			if strings.HasSuffix("/"+file, "/"+name) {
				return true
			}
		}
		return false
	}
	references := 0
	for _, file := range files {
		ext := filepath.Ext(file)
		if ext != ".md" && ext != ".go" || file == "CHANGELOG.md" || strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if ext == ".go" {
				_, line, _ = strings.Cut(line, "//")
			}
			for _, m := range goFile.FindAllStringSubmatch(line, -1) {
				if m[2] != "" {
					continue // an address
				}
				references++
				if !exists(filepath.Dir(file), m[1]) {
					t.Errorf("%s names %s, which is not there", file, m[1])
				}
			}
		}
	}
	if references < 50 {
		t.Errorf("only %d references were found", references)
	}
}
