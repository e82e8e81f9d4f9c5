package corpus

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
)

var small = Options{Lines: 20_000, Guilds: 3, Users: 500, Days: 4, Seed: 9}

// write writes logs and returns the files' contents by their paths below the root.
func write(t *testing.T, o Options) (Summary, map[string]string) {
	t.Helper()
	root := t.TempDir()
	sum, err := Write(t.Context(), root, o)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		below, _ := filepath.Rel(root, path)
		files[filepath.ToSlash(below)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum, files
}

func TestTheSeedDecides(t *testing.T) {
	_, a := write(t, small)
	_, b := write(t, small)
	if fmt.Sprint(a) != fmt.Sprint(b) {
		t.Error("the same options gave other logs")
	}
	other := small
	other.Seed++
	if _, c := write(t, other); fmt.Sprint(a) == fmt.Sprint(c) {
		t.Error("another seed gave the same logs")
	}
}

// line is what a line must be, by the names of the format.
type line struct {
	Timestamp string          `json:"timestamp"`
	Level     string          `json:"level"`
	Source    string          `json:"source"`
	Server    string          `json:"server_id"`
	Channel   string          `json:"channel_or_file"`
	User      string          `json:"user_id"`
	Action    string          `json:"action"`
	Message   string          `json:"message"`
	Trace     *string         `json:"trace_id"`
	Extra     json.RawMessage `json:"extra"`
}

func TestLines(t *testing.T) {
	sum, files := write(t, small)
	if len(files) != 12 || sum.Files != 12 {
		t.Errorf("%d files, the summary says %d; want 12", len(files), sum.Files)
	}
	var lines, messages, size int64
	users, scripts := map[string]int{}, map[string]int{}
	seen := map[[32]byte]bool{}
	for path, text := range files {
		guild, rest, _ := strings.Cut(path, "/")
		day, name, _ := strings.Cut(rest, "/")
		if name != "info.jsonl" {
			t.Errorf("a file at %s", path)
		}
		size += int64(len(text))
		before := ""
		for scan := bufio.NewScanner(strings.NewReader(text)); scan.Scan(); {
			var l line
			decoder := json.NewDecoder(strings.NewReader(scan.Text()))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(&l); err != nil {
				t.Fatalf("%s: %v: %s", path, err, scan.Text())
			}
			at, err := time.Parse(time.RFC3339, l.Timestamp)
			if err != nil || at.Format("20060102") != day || l.Server != guild || l.Extra == nil || l.Channel == "" {
				t.Fatalf("%s: %s", path, scan.Text())
			}
			if moment := at.Format("150405.000000"); moment <= before {
				t.Fatalf("%s: %s after %s", path, moment, before)
			} else {
				before = moment
			}
			lines++
			if l.Action == "receive_message" {
				messages++
				users[l.User]++
			}
			for _, r := range l.Message {
				for script, table := range map[string]*unicode.RangeTable{
					"Latin": unicode.Latin, "Han": unicode.Han, "Kana": unicode.Hiragana, "Hangul": unicode.Hangul, "symbols": unicode.So,
				} {
					if unicode.Is(table, r) {
						scripts[script]++
					}
				}
			}
			key := sha256.Sum256(scan.Bytes())
			if seen[key] {
				t.Fatalf("twice: %s", scan.Text())
			}
			seen[key] = true
		}
	}
	if got := (Summary{12, lines, messages, size}); sum != got || lines != int64(small.Lines) {
		t.Errorf("the summary says %+v, the files hold %+v; want %d lines", sum, got, small.Lines)
	}
	if share := float64(messages) / float64(lines); share < 0.97 || share > 0.99 {
		t.Errorf("%.3f of the lines are messages", share)
	}
	if each := float64(size) / float64(lines); each < 270 || each > 350 {
		t.Errorf("%.0f bytes a line", each)
	}
	for _, script := range []string{"Latin", "Han", "Kana", "Hangul", "symbols"} {
		if scripts[script] < 1000 {
			t.Errorf("%d characters of %s", scripts[script], script)
		}
	}
	var counts []int
	for _, n := range users {
		counts = append(counts, n)
	}
	slices.Sort(counts)
	slices.Reverse(counts)
	busiest := 0
	for _, n := range counts[:len(counts)/10] {
		busiest += n
	}
	if share := float64(busiest) / float64(messages); len(counts) < small.Users*9/10 || share < 0.3 {
		t.Errorf("%d users write, a tenth of them %.2f of all", len(counts), share)
	}
}

func TestNonsense(t *testing.T) {
	for name, o := range map[string]Options{"nothing": {}, "no users": {Lines: 1, Guilds: 1, Days: 1}} {
		if _, err := Write(t.Context(), t.TempDir(), o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
