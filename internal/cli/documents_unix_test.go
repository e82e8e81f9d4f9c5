//go:build unix

package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rollcall/config"
	"rollcall/internal/simulator"
	"rollcall/store"
)

// block is a block of commands in a document, with the mark before it: what it runs in, or why
// it is not run.
type block struct {
	file, run, notRun, text string
}

var marked = regexp.MustCompile(`(?s)(?:<!-- (not run|run): ([^>]*?) -->\n)?` + "```sh\n(.*?)```")

func commandBlocks(t *testing.T) (all []block) {
	t.Helper()
	root := filepath.Join("..", "..")
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range marked.FindAllStringSubmatch(string(text), -1) {
			b := block{file: filepath.Base(file), text: m[3]}
			switch m[1] {
			case "run":
				b.run = m[2]
			case "not run":
				b.notRun = m[2]
			}
			all = append(all, b)
		}
	}
	return all
}

// lounge is a folder with a daemon that has one guild, by a name and with people in it.
func lounge(t *testing.T) (folder string, env []string) {
	t.Helper()
	folder = t.TempDir()
	plantLog(t, folder, "11", "20260511", `{"timestamp":"2026-05-11T06:30:00Z","source":"x","server_id":"11","channel_or_file":"general","user_id":"5","action":"receive_message","message":"release it"}`+"\n")
	cmd := exec.Command(plain, "migrate", "--logs", "logs")
	cmd.Dir, cmd.Env = folder, environ()
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	db, err := store.Open(filepath.Join(folder, "rollcall.db"), store.Options{MustExist: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Put(t.Context(), store.Batch{Names: []store.Name{{Guild: 11, Name: "The Lounge"}, {Guild: 11, User: 5, Name: "Ada"}}})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	discord, err := simulator.Start(simulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { discord.Close() })
	discord.AddGuild(simulator.GuildSpec{Name: "Quiet"}).AddChannel(simulator.ChannelSpec{Name: "general"})
	p := startDaemon(t, folder, "TOKEN="+discord.Token(), "DISCORD_URL="+discord.URL(), "API_TOKEN=apisecret", "LISTEN=127.0.0.1:0")
	return folder, environ("PATH="+filepath.Dir(plain)+string(filepath.ListSeparator)+os.Getenv("PATH"), "HOME="+folder,
		"ROLLCALL_TOKEN="+discord.Token(), "ROLLCALL_DISCORD_URL="+discord.URL(), "TOKEN=apisecret", "ADDRESS=http://"+p.httpAddress())
}

// Each block of commands works as it is pasted, or says why it is not tried.
func TestDocumentsAsPasted(t *testing.T) {
	ran := 0
	for _, b := range commandBlocks(t) {
		switch {
		case b.run == "" && b.notRun == "":
			t.Errorf("%s: the block %q says neither what it runs in nor why it is not run", b.file, b.text)
			continue
		case b.notRun != "":
			t.Logf("not run: %s: %s: %s", b.file, b.notRun, strings.SplitN(b.text, "\n", 2)[0])
			continue
		case b.run != "guild":
			t.Errorf("%s: nothing is known to run in %q", b.file, b.run)
			continue
		}
		ran++
		t.Run(b.file, func(t *testing.T) {
			folder, env := lounge(t)
			cmd := exec.Command("sh", "-e", "-c", strings.ReplaceAll(b.text, "http://127.0.0.1:7878", `"$ADDRESS"`))
			cmd.Dir, cmd.Env = folder, env
			if text, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s\n%s", err, b.text, text)
			}
		})
	}
	if ran < 4 {
		t.Errorf("only %d blocks were run", ran)
	}
}

// Every link within the documents leads somewhere.
func TestDocumentLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	root := filepath.Join("..", "..")
	files, _ := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	for _, file := range append(files, filepath.Join(root, "README.md"), filepath.Join(root, "SECURITY.md")) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), m[1])); err != nil {
				t.Errorf("%s: %s leads nowhere", filepath.Base(file), m[1])
			}
		}
	}
}

// docs/configuration.md has every variable, with its default.
func TestConfigurationDocument(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, "|"); len(cells) > 3 && strings.Contains(cells[1], "`ROLLCALL_") {
			for _, name := range regexp.MustCompile("`(ROLLCALL_[A-Z_]+)`").FindAllStringSubmatch(cells[1], -1) {
				rows[name[1]] = strings.Trim(cells[2], " `")
			}
		}
	}
	for _, v := range (config.Config{}).Variables() {
		have, ok := rows[v.Name]
		switch {
		case !ok:
			t.Errorf("%s is not there", v.Name)
		case v.Default != "" && have != v.Default && !same(have, v.Default) && v.Name != "ROLLCALL_SOCKET":
			t.Errorf("%s: the default is %q, not %q", v.Name, v.Default, have)
		}
	}
}

// same reports whether two durations are the same, as 30s and 30s, 24h and 24h0m0s.
func same(a, b string) bool {
	return strings.TrimSuffix(strings.TrimSuffix(b, "0s"), "0m") == a || strings.TrimSuffix(b, "0s") == a || strings.HasPrefix(b, a) && strings.Trim(b[len(a):], "0ms") == ""
}
