//go:build unix

package cli_test

import (
	"errors"
	"fmt"
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

// loungeID is the guild and, since ids of both are told apart, a member of it that the
// examples name.
const loungeID = "123456789012345678"

// lounge is a folder with a database that has one guild, by a name and with people in it, and
// the archives and old logs that documents name. Its environment is that of who pastes there.
func lounge(t *testing.T) (folder string, env []string) {
	t.Helper()
	folder = t.TempDir()
	line := func(user, text string) string {
		return `{"timestamp":"2026-05-11T06:30:00Z","source":"x","server_id":"` + loungeID + `","channel_or_file":"general","user_id":"` + user + `","action":"receive_message","message":"` + text + `"}` + "\n"
	}
	plantLog(t, folder, loungeID, "20260511", line("5", "release it")+line("6", "hi")+line(loungeID, "good morning"))
	cmd := exec.Command(plain, "migrate", "--logs", "logs")
	cmd.Dir, cmd.Env = folder, environ()
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	guild, err := store.ParseID(loungeID)
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(filepath.Join(folder, "rollcall.db"), store.Options{MustExist: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Put(t.Context(), store.Batch{Names: []store.Name{{Guild: guild, Name: "The Lounge"}, {Guild: guild, User: 5, Name: "Ada"}}})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"exports", ".config/fish/completions", "srv/oldbot", "srv/backups"} {
		if err := os.MkdirAll(filepath.Join(folder, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	archive := `{"guild":{"id":"` + loungeID + `","name":"The Lounge"},"channel":{"id":"21","type":"GuildTextChat","name":"general"},"messages":[` +
		`{"id":"738908857958400000","type":"Default","timestamp":"2020-08-01T00:00:00+00:00","content":"closed","author":{"id":"5","name":"Ada","isBot":false}}]}`
	for _, name := range []string{"exports/general.json", "export.json", "server.dht", "archive.dht", "package.zip"} { // it is what is in them that counts
		writeTo(t, filepath.Join(folder, name), archive)
	}
	if err := os.Symlink(filepath.Join(folder, "logs"), filepath.Join(folder, "srv/oldbot/logs")); err != nil {
		t.Fatal(err)
	}
	return folder, environ("HOME="+folder, inPath())
}

// loungeDaemon is a lounge with a daemon, and a simulated Discord that it is connected to.
func loungeDaemon(t *testing.T) (folder string, env []string) {
	t.Helper()
	folder, env = lounge(t)
	discord, err := simulator.Start(simulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { discord.Close() })
	discord.AddGuild(simulator.GuildSpec{Name: "Quiet"}).AddChannel(simulator.ChannelSpec{Name: "general"})
	p := startDaemon(t, folder, "TOKEN="+discord.Token(), "DISCORD_URL="+discord.URL(), "API_TOKEN=apisecret", "LISTEN=127.0.0.1:0")
	return folder, append(env, "ROLLCALL_TOKEN="+discord.Token(), "ROLLCALL_DISCORD_URL="+discord.URL(), "TOKEN=apisecret", "ADDRESS=http://"+p.httpAddress())
}

// paste runs commands as they stand in a document, but for the address that the daemon has
// here and for folders outside of this one.
func paste(folder string, env []string, shell, text string) error {
	text = strings.NewReplacer("http://127.0.0.1:7878", `"$ADDRESS"`, " /srv/", " "+folder+"/srv/").Replace(text)
	cmd := exec.Command(shell, "-e", "-c", text)
	cmd.Dir, cmd.Env = folder, env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s\n%s", err, text, out)
	}
	return nil
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
		case b.run != "guild" && b.run != "folder":
			t.Errorf("%s: nothing is known to run in %q", b.file, b.run)
			continue
		}
		ran++
		t.Run(b.file, func(t *testing.T) {
			world := lounge
			if b.run == "guild" {
				world = loungeDaemon
			}
			folder, env := world(t)
			if b.run == "folder" { // in which the program was built
				if err := os.Symlink(plain, filepath.Join(folder, "rollcall")); err != nil {
					t.Fatal(err)
				}
			}
			if err := paste(folder, env, "sh", b.text); err != nil {
				t.Error(err)
			}
		})
	}
	if ran < 10 {
		t.Errorf("only %d blocks were run", ran)
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
