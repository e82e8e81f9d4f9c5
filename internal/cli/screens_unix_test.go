//go:build unix

package cli_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"

	"rollcall/store"
)

// widths are the terminals that everything has to fit.
var widths = []int{60, 80, 120, 200}

// onTerminal runs the program on a terminal of so many columns until it ends, and returns
// what it wrote.
func onTerminal(t *testing.T, folder string, columns int, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(plain, args...)
	cmd.Dir, cmd.Env = folder, environ("NO_COLOR=1", "TERM=xterm")
	cmd.Stderr = io.Discard // errors are one line
	file, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(columns), Rows: 400})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	text, err := io.ReadAll(file)
	if err != nil && !errors.Is(err, syscall.EIO) { // which is how a terminal ends
		t.Fatal(err)
	}
	cmd.Wait() // its exit code is for other tests
	return text
}

// screenOf shows text on a terminal of so many columns, and as many rows as it has lines:
// what wraps at these columns scrolls.
func screenOf(t *testing.T, text []byte, columns int) string {
	t.Helper()
	rows := bytes.Count(text, []byte("\n")) + 1
	e := vt.NewEmulator(columns, rows)
	defer e.Close()
	if _, err := e.Write(text); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.SplitSeq(e.String(), "\n") {
		lines = append(lines, strings.TrimRight(line, " \r"))
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n") + "\n"
}

// screenFolder has a database of logs: two guilds, people and channels with long names, names
// in other scripts, a malformed line, a file that is not read to its end.
func screenFolder(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	const guild, other = "111111111111111111", "222222222222222222"
	people := []string{"333333333333333331", "333333333333333332", "333333333333333333"}
	names := []string{"Ada", "der mit dem sehr langen Namen, den niemand liest", "さくら"}
	channels := []string{"general", "一般聊天", "a channel whose name is longer than most"}
	said := []string{
		"good morning everyone",
		"I have been stuck on level 30 of this game for a week and I am slowly losing my mind over it, any hints are welcome",
		"おはようございます、{day}、将棋やりませんか? それは知らなかった!もう一回お願いします",
		"läuft bei uns 😄",
		"https://example.org/a/very/long/address/without/any/place/to/break/it/at/all",
	}
	for day := range 3 {
		var log strings.Builder
		for i := range 12 {
			fmt.Fprintf(&log, `{"timestamp":"2026-05-%02dT%02d:30:00Z","source":"My Guild of Long Names and 星空社區","server_id":%q,"channel_or_file":%q,"user_id":%q,"user_name":%q,"action":"receive_message","message":%q}`+"\n",
				11+day, 6+i, guild, channels[i%3], people[i*i%3], names[i*i%3], said[(i+day)%5])
		}
		if day == 1 {
			log.WriteString("{torn\n")
		}
		plantLog(t, folder, guild, fmt.Sprintf("202605%02d", 11+day), log.String())
	}
	plantLog(t, folder, other, "20260511", `{"timestamp":"2026-05-11T06:30:00Z","source":"x","server_id":"`+other+`","channel_or_file":"general","user_id":"5","action":"receive_message","message":"hi"}`+"\n")
	cmd := exec.Command(plain, "migrate", "--logs", "logs")
	cmd.Dir, cmd.Env = folder, environ()
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	archive := func(name, channel, rest string) {
		path := filepath.Join(folder, "exports", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		writeTo(t, path, `{"guild":{"id":"`+guild+`","name":"My Guild"},"channel":{"id":"444444444444444444","type":"GuildTextChat","name":"`+channel+`"},"messages":[`+
			`{"id":"738908857958400000","type":"Default","timestamp":"2020-08-01T00:00:00+00:00","content":"closed","author":{"id":"5","name":"mara","isBot":false}}`+rest)
	}
	archive("My Guild - general [444444444444444444] (after 2020-08-01).json", "general", `,
		{"id":"738908857958400001","type":"Default","timestamp":"2020-08-01T00:00:01+00:00","content":"a bot","author":{"id":"6","name":"bot","isBot":true}},
		{"id":"738908857958400002","type":"ChannelPinnedMessage","timestamp":"2020-08-01T00:00:02+00:00","content":"","author":{"id":"5","name":"mara","isBot":false}}]}`)
	archive("torn.json", "a channel whose name is longer than most", `,{"id":"7389088579`)
	writeTo(t, filepath.Join(folder, "exports", "table.csv"), "AuthorID,Author,Date,Content,Attachments,Reactions\n")
	id := func(text string) store.ID {
		id, err := store.ParseID(text)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	at := func(text string) store.Micros {
		at, err := store.ParseMicros(text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	db, err := store.Open(filepath.Join(folder, "rollcall.db"), store.Options{MustExist: true})
	if err != nil {
		t.Fatal(err)
	}
	b := store.Batch{
		Names: []store.Name{{Guild: id(guild), Name: "My Guild of Long Names and 星空社區"}, {Guild: id(other), Name: "Other"}},
		Gaps: []store.Gap{
			{Guild: id(guild), Channel: 5, From: at("2026-05-12T10:00:00Z"), To: at("2026-05-12T11:00:00Z"), Reason: "stopped", State: store.GapFilled, Found: 17},
			{Guild: id(guild), Channel: 6, From: at("2026-05-12T10:00:00Z"), To: at("2026-05-12T11:00:00Z"), Reason: "stopped", State: store.GapSkipped, Note: "Discord answers 403 Forbidden: the bot may not read the history of this channel"},
		},
	}
	for i, name := range names {
		b.Names = append(b.Names, store.Name{Guild: id(guild), User: id(people[i]), Name: name})
	}
	if _, err := db.Put(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return folder
}

func plantLog(t *testing.T, folder, guild, date, text string) {
	t.Helper()
	day := filepath.Join(folder, "logs", guild, date)
	if err := os.MkdirAll(day, 0o700); err != nil {
		t.Fatal(err)
	}
	writeTo(t, filepath.Join(day, "info.jsonl"), text)
}

// seconds is how long something took, which is never the same.
var seconds = regexp.MustCompile(`in \d\.\d s`)

// Nothing that is printed on a terminal wraps, and each table is as its golden screen shows.
func TestScreens(t *testing.T) {
	folder := screenFolder(t)
	const guild = "111111111111111111"
	for _, tc := range []struct {
		name   string
		args   string
		golden bool // what it shows is the same at any time
	}{
		{"guilds", "guilds", true},
		{"guild", "guild " + guild, true},
		{"user", "user " + guild + " 333333333333333332", true},
		{"top", "top " + guild, true},
		{"words", "words " + guild, true},
		{"messages", "messages " + guild + " --limit 10", true},
		{"search", "search " + guild + " game", true},
		{"coverage", "coverage", true},
		{"state", "state", true},
		{"why", "why 333333333333333333", true},
		{"migrate", "migrate --logs logs", true},
		{"import", "import exports --dry-run", true},
		{"config", "config", false},
		{"status", "status", false},
		{"doctor", "doctor", false},
		{"help", "help", false},
		{"help messages", "help messages", false},
		{"next", "", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, columns := range widths {
				where := folder
				if tc.name == "next" {
					where = t.TempDir()
				}
				text := onTerminal(t, where, columns, strings.Fields(tc.args)...)
				text = seconds.ReplaceAll(text, []byte("in 0.0 s"))
				have := screenOf(t, text, columns)
				if unbroken := screenOf(t, text, 1000); have != unbroken {
					t.Errorf("%d columns are not enough:\n%s", columns, have)
				}
				if strings.TrimSpace(have) == "" {
					t.Errorf("nothing at %d columns", columns)
				}
				if !tc.golden {
					continue
				}
				path := filepath.Join("testdata", "screens", fmt.Sprintf("%s-%d.txt", strings.ReplaceAll(tc.name, " ", "-"), columns))
				compareGolden(t, path, have)
			}
		})
	}
}

func compareGolden(t *testing.T, path, have string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(have), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if have != string(want) {
		t.Errorf("%s: have\n%s\nwant\n%s", path, have, want)
	}
}

// The tables of what changes the database fit, too.
func TestScreensOfChanges(t *testing.T) {
	for _, columns := range widths {
		folder := screenFolder(t)
		for _, args := range [][]string{
			{"forget", "333333333333333332", "--yes", "--logs", "logs", "--scrub-logs"},
			{"remember", "333333333333333332"},
			{"backup", "a.db.zst"},
			{"check"},
			{"compact"},
			{"restore", "a.db.zst"},
		} {
			text := onTerminal(t, folder, columns, args...)
			if have := screenOf(t, text, columns); have != screenOf(t, text, 1000) {
				t.Errorf("%d columns are not enough for %s:\n%s", columns, args, have)
			}
		}
	}
}

// With --wide a table is as wide as it is.
func TestWide(t *testing.T) {
	folder := screenFolder(t)
	narrow := screenOf(t, onTerminal(t, folder, 60, "guilds"), 1000)
	wide := screenOf(t, onTerminal(t, folder, 60, "guilds", "--wide"), 1000)
	if !strings.Contains(wide, "2026-05-13 17:30:00Z") || strings.Contains(narrow, "2026-05-13 17:30:00Z") || !strings.Contains(narrow, "--wide shows all") {
		t.Errorf("narrow:\n%s\nwide:\n%s", narrow, wide)
	}
}

// demoScreen is a demo on a terminal.
type demoScreen struct {
	t    *testing.T
	file *os.File
	cmd  *exec.Cmd

	mu   sync.Mutex
	text bytes.Buffer
}

// inPath is the PATH on which the program is found by its name.
func inPath() string {
	return "PATH=" + filepath.Dir(plain) + string(filepath.ListSeparator) + os.Getenv("PATH")
}

func startDemo(t *testing.T, columns, rows int) *demoScreen {
	t.Helper()
	d := &demoScreen{t: t, cmd: exec.Command(plain, "demo")}
	d.cmd.Dir, d.cmd.Env = t.TempDir(), environ("TERM=xterm", "TMPDIR=/tmp", inPath())
	var err error
	if d.file, err = pty.StartWithSize(d.cmd, &pty.Winsize{Cols: uint16(columns), Rows: uint16(rows)}); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		b := make([]byte, 1<<16)
		for {
			n, err := d.file.Read(b)
			d.mu.Lock()
			d.text.Write(b[:n])
			d.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		d.cmd.Process.Signal(os.Interrupt)
		d.cmd.Wait()
		d.file.Close()
		<-read
	})
	return d
}

// frames are the screens that were drawn whole so far.
func (d *demoScreen) frames() [][]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	const begin, end = "\x1b[H", "\x1b[J"
	var all [][]byte
	for part := range bytes.SplitSeq(bytes.Clone(d.text.Bytes()), []byte(begin)) {
		if frame, _, whole := bytes.Cut(part, []byte(end)); whole {
			all = append(all, frame)
		}
	}
	return all
}

// The demo fits 80 by 24, and 60 columns; the command that it shows works as it is pasted; the
// connection is lost, and what was missed comes from the history.
func TestDemoScreen(t *testing.T) {
	for _, size := range []struct{ columns, rows int }{{80, 24}, {60, 24}, {200, 50}} {
		t.Run(fmt.Sprintf("%dx%d", size.columns, size.rows), func(t *testing.T) {
			t.Parallel()
			d := startDemo(t, size.columns, size.rows)
			filled := regexp.MustCompile(`(?m)^The Lounge +[0-9]+ +[0-9]+ +[1-9][0-9]* `)
			var last []byte
			looked := 0
			if err := waitFor(func() bool {
				frames := d.frames()
				if len(frames) == looked {
					return false
				}
				looked = len(frames)
				last = frames[looked-1]
				return filled.MatchString(screenOf(t, last, size.columns))
			}); err != nil {
				t.Fatalf("%v; the last screen:\n%s", err, screenOf(t, last, size.columns))
			}
			lost := false
			for _, frame := range d.frames() {
				screen := screenOf(t, frame, size.columns)
				if screen != screenOf(t, frame, 1000) {
					t.Errorf("%d columns are not enough:\n%s", size.columns, screen)
				}
				if lines := strings.Count(screen, "\n"); lines >= size.rows {
					t.Errorf("%d lines do not fit:\n%s", lines, screen)
				}
				if strings.Contains(screen, `\n`) || strings.Contains(screen, "<@") || strings.Contains(screen, "<:") {
					t.Errorf("not rendered:\n%s", screen)
				}
				lost = lost || strings.Contains(screen, "Connection  lost, and people go on talking")
			}
			if !lost {
				t.Error("nothing told of the lost connection")
			}
			screen := screenOf(t, last, size.columns)
			command := strings.TrimSpace(strings.Split(screen, "\n")[2])
			paste := exec.Command("sh", "-c", command)
			paste.Env = environ(inPath())
			out, err := paste.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "The Lounge") {
				t.Errorf("%s: %v\n%s", command, err, out)
			}
			paste = exec.Command("sh", "-c", strings.TrimSpace(strings.Split(screen, "\n")[3]))
			paste.Env = environ(inPath())
			if out, err := paste.CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "http://127.0.0.1:") {
				t.Errorf("the web page: %v\n%s", err, out)
			}
			if size.columns == 80 && *update {
				drawSVG(t, filepath.Join("..", "..", "docs", "demo.svg"), last, size.columns, size.rows)
			}
		})
	}
}

// drawSVG draws a screen as a picture.
func drawSVG(t *testing.T, path string, text []byte, columns, rows int) {
	t.Helper()
	const wide, high, margin = 8.4, 18, 16
	e := vt.NewEmulator(columns, rows)
	defer e.Close()
	text = regexp.MustCompile(`rollcall --db \S+`).ReplaceAll(text, []byte("go run . --db /tmp/rollcall-demo-k3xq/rollcall.db"))
	if _, err := e.Write(text); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	w, h := float64(columns)*wide+2*margin, rows*high+2*margin
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%d" viewBox="0 0 %.0f %d" role="img" aria-label="rollcall demo on a terminal">`+"\n", w, h, w, h)
	b.WriteString(`<rect width="100%" height="100%" rx="8" fill="#14171c"/>` + "\n")
	b.WriteString(`<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="14" fill="#d7dae0">` + "\n")
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", " ", "\u00a0") // spaces of other kinds are drawn as one
	for y := range rows {
		run, from, bold := "", 0, false
		flush := func() {
			if strings.TrimSpace(run) != "" {
				weight := ""
				if bold {
					weight = ` font-weight="bold"`
				}
				fmt.Fprintf(&b, `<text x="%.1f" y="%d"%s>%s</text>`+"\n", margin+float64(from)*wide, margin+y*high+13, weight, escape.Replace(strings.TrimRight(run, " ")))
			}
			run = ""
		}
		for x := 0; x < columns; x++ {
			cell := e.CellAt(x, y)
			if cell == nil || cell.Width == 0 {
				continue
			}
			content := cell.Content
			if content == "" {
				content = " "
			}
			strong := cell.Style.Attrs != 0
			// What is wide, or may not be as wide as the rest in every font, has its own place.
			alone := cell.Width != 1 || content > "\u02ff"
			if run == "" || alone || strong != bold {
				flush()
				from, bold = x, strong
			}
			run += content
			if alone {
				flush()
			}
		}
		flush()
	}
	b.WriteString("</g>\n</svg>\n")
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
