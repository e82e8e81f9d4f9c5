package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// document is a Markdown file as its reader sees it.
type document struct {
	name, text string
	lines      []string // without those of fenced blocks
	sections   []string // anchors of the headings of the second level
	anchors    map[string]bool
}

func documents(t *testing.T) map[string]document {
	t.Helper()
	root := filepath.Join("..", "..")
	all := map[string]document{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/adr/*.md"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all[filepath.Clean(file)] = read(strings.TrimPrefix(filepath.ToSlash(file), "../../"), string(text))
		}
	}
	if len(all) < 30 {
		t.Fatalf("only %d documents were found", len(all))
	}
	return all
}

func read(name, text string) document {
	d := document{name: name, text: text, anchors: map[string]bool{}}
	fenced := false
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
			continue
		}
		if fenced {
			continue
		}
		d.lines = append(d.lines, line)
		if level, title, ok := strings.Cut(line, "# "); ok && strings.Trim(level, "#") == "" {
			d.anchors[anchor(title)] = true
			if level == "#" {
				d.sections = append(d.sections, title)
			}
		}
	}
	return d
}

// anchor is what a heading is linked by.
func anchor(title string) string {
	title = regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`).ReplaceAllString(title, "$1")
	return strings.ReplaceAll(regexp.MustCompile(`[^\pL\pN _-]`).ReplaceAllString(strings.ToLower(title), ""), " ", "-")
}

// Every link leads to a file, or to a heading in one.
func TestDocumentLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]*)(?:#([^)]*))?\)`)
	all := documents(t)
	for path, d := range all {
		for _, m := range link.FindAllStringSubmatch(strings.Join(d.lines, "\n"), -1) {
			target := path
			if m[1] != "" {
				target = filepath.Join(filepath.Dir(path), m[1])
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %s leads nowhere", d.name, m[1])
			} else if other, ok := all[target]; ok && m[2] != "" && !other.anchors[m[2]] {
				t.Errorf("%s: there is no heading %s in %s", d.name, m[2], other.name)
			}
		}
	}
}

// A picture says what is on it, is small, and comes from nobody's machine.
func TestPictures(t *testing.T) {
	const most = 150_000 // bytes
	picture := regexp.MustCompile(`!\[([^]]*)\]\(([^)]*)\)`)
	seen := 0
	for path, d := range documents(t) {
		for _, m := range picture.FindAllStringSubmatch(d.text, -1) {
			seen++
			file, err := os.ReadFile(filepath.Join(filepath.Dir(path), m[2]))
			if err != nil {
				t.Fatal(err)
			}
			if len(strings.Fields(m[1])) < 5 || len(file) > most {
				t.Errorf("%s: %s has %d bytes, and is described as %q", d.name, m[2], len(file), m[1])
			}
			if home, err := os.UserHomeDir(); err == nil && bytes.Contains(file, []byte(home+"/")) {
				t.Errorf("%s: there is a path of a home folder in %s", d.name, m[2])
			}
		}
	}
	if seen < 2 {
		t.Errorf("only %d pictures were found: want the terminal and the page", seen)
	}
}

// contents is a table of contents, as -update writes it.
var contents = regexp.MustCompile(`(?m)^(\[.*\]\(#.*\)( ·)?\n)+\n`)

// A long document begins with a table of contents, which has its sections in their order.
// README is one itself.
func TestTablesOfContents(t *testing.T) {
	const long, few = 80, 2
	link := regexp.MustCompile(`\]\(#([^)]*)\)`)
	for path, d := range documents(t) {
		if strings.Count(d.text, "\n") <= long || len(d.sections) <= few || d.name == "README.md" {
			continue
		}
		top, rest, _ := strings.Cut(d.text, "\n## ")
		var listed, want []string
		for _, m := range link.FindAllStringSubmatch(top, -1) {
			listed = append(listed, m[1])
		}
		for _, title := range d.sections {
			want = append(want, anchor(title))
		}
		if slices.Equal(listed, want) {
			continue
		}
		if *update && d.name != "docs/commands.md" { // which another test writes
			writeTo(t, path, strings.TrimRight(contents.ReplaceAllString(top+"\n", ""), "\n")+"\n\n"+tableOfContents(d.sections)+"\n\n## "+rest)
			continue
		}
		t.Errorf("%s: the table of contents has %q, the document %q: go test ./internal/cli -run TablesOfContents -update", d.name, listed, want)
	}
}

// tableOfContents links sections, in lines that are not too long.
func tableOfContents(sections []string) string {
	const wide = 125
	var b strings.Builder
	column := 0
	for i, title := range sections {
		entry := "[" + strings.ReplaceAll(title, "`", "") + "](#" + anchor(title) + ")"
		switch size := len(entry) + len(" · "); {
		case i == 0:
			column = size
		case column+size > wide:
			b.WriteString(" ·\n")
			column = size
		default:
			b.WriteString(" · ")
			column += size
		}
		b.WriteString(entry)
	}
	return b.String()
}

// What is set apart in the documents says in which language it is, so that TestDocumentsAsPasted
// finds the commands. Those of docs/commands.md are run by TestExamples.
func TestBlocksHaveALanguage(t *testing.T) {
	for _, d := range documents(t) {
		if d.name != "README.md" && d.name != "SECURITY.md" && !strings.HasPrefix(d.name, "docs/") || strings.HasPrefix(d.name, "docs/adr/") || d.name == "docs/commands.md" {
			continue
		}
		for _, line := range d.lines {
			if strings.HasPrefix(line, "    ") {
				t.Errorf("%s: %q is indented: fence it", d.name, line)
			}
		}
		fences := regexp.MustCompile("(?m)^```.*$").FindAllString(d.text, -1)
		for i := 0; i < len(fences); i += 2 {
			if fences[i] == "```" {
				t.Errorf("%s: a fenced block has no language", d.name)
			}
		}
	}
}
