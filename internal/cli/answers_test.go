package cli_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/internal/api"
)

// httpAddress reads where the daemon listens from its log.
func (p *process) httpAddress() string {
	p.t.Helper()
	p.waitLog(`"msg":"http"`)
	var line struct{ Address string }
	for text := range strings.Lines(p.log.String()) {
		if strings.Contains(text, `"msg":"http"`) {
			if err := json.Unmarshal([]byte(text), &line); err != nil {
				p.t.Fatal(err)
			}
		}
	}
	return line.Address
}

// HTTP, a command that asks the daemon, and a command that opens the file itself
// give the same bytes, in the zone of the daemon as in that of the question.
func TestSameAnswers(t *testing.T) {
	discord, chatter := newDiscord(t)
	folder := t.TempDir()
	p := startDaemon(t, folder, "TOKEN="+discord.Token(), "DISCORD_URL="+discord.URL(), "COMMIT_INTERVAL=0",
		"LISTEN=127.0.0.1:0", "API_TOKEN=apisecret", "TZ=Asia/Kathmandu")
	if err := discord.WaitReady(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if err := chatter.Run(t.Context(), 2000, 300); err != nil {
		t.Fatal(err)
	}
	counting := 0
	for m := range discord.Messages() {
		if m.Counts {
			counting++
		}
	}
	if err := waitFor(func() bool { return len(p.exported()) == counting }); err != nil {
		t.Fatal(err)
	}
	var top []struct {
		Name string `json:"user_name"`
		User string `json:"user_id"`
	}
	if err := json.Unmarshal([]byte(p.rollcall("top", "Lounge", "--json")), &top); err != nil || len(top) == 0 || top[0].Name == "" {
		t.Fatalf("the leaders are %+v, %v", top, err)
	}
	questions := []struct {
		command string
		path    string
	}{
		{"guilds", "/v1/guilds"},
		{"guild Lounge", "/v1/guilds/Lounge"},
		{"guild Lounge --window 30d", "/v1/guilds/Lounge?window=30d"},
		{"user Lounge " + top[0].User, "/v1/guilds/Lounge/users/" + url.PathEscape(top[0].Name)},
		{"user Lounge " + top[0].User + " --window 7d --tz America/New_York", "/v1/guilds/Lounge/users/" + top[0].User + "?window=7d&tz=America/New_York"},
		{"user Lounge " + top[0].User + " --context --tokens 300", "/v1/guilds/Lounge/users/" + top[0].User + "/context?tokens=300"},
		{"top Lounge --by days --limit 3", "/v1/guilds/Lounge/top?by=days&limit=3"},
		{"words Lounge --limit 5", "/v1/guilds/Lounge/words?limit=5"},
		{"messages Lounge --limit 20", "/v1/guilds/Lounge/messages?limit=20"},
		{"messages Lounge --since 2024-01-01 --until 2024-01-02", "/v1/guilds/Lounge/messages?since=2024-01-01&until=2024-01-02"},
		{"export", "/v1/export"},
		{"state", "/v1/state"},
	}
	answers := make([]string, len(questions))
	for i, q := range questions {
		request, err := http.NewRequest("GET", "http://"+p.httpAddress()+q.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer apisecret")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != 200 || len(body) == 0 {
			t.Fatalf("%s: %s %s, %v", q.path, response.Status, body, err)
		}
		answers[i] = string(body)
		args := strings.Fields(q.command)
		if !strings.Contains(q.command, "--context") {
			args = append(args, "--json")
		}
		if got := p.rollcall(args...); got != answers[i] {
			t.Errorf("%s: HTTP\n%s\nthe command\n%s", q.command, answers[i], got)
		}
	}
	if text := p.rollcall("messages", "Lounge", "--limit", "300"); !strings.Contains(text, "  "+top[0].Name+"  ") || strings.Contains(text, top[0].User) {
		t.Errorf("no names in\n%s", text)
	}
	p.signal(os.Interrupt)
	p.wait()
	for i, q := range questions {
		args := strings.Fields(q.command)
		if !strings.Contains(q.command, "--context") {
			args = append(args, "--json")
		}
		cmd := exec.Command(plain, args...)
		cmd.Dir, cmd.Env = folder, environ("ROLLCALL_TZ=Asia/Kathmandu")
		if text, err := cmd.Output(); err != nil || q.command != "state" && string(text) != answers[i] {
			t.Errorf("%s: HTTP\n%s\nthe command on its own, %v\n%s", q.command, answers[i], err, text)
		}
	}
}

// More messages than a page has are one table, and one array.
func TestManyMessages(t *testing.T) {
	folder := t.TempDir()
	var log strings.Builder
	const many = 2500
	for i := range many {
		fmt.Fprintf(&log, `{"timestamp":"2026-05-11T06:%02d:%02dZ","source":"server","server_id":"11","channel_or_file":"general","user_id":"%d","action":"receive_message","message":"message %d"}`+"\n", i/60, i%60, 5+i%3, i)
	}
	day := filepath.Join(folder, "logs", "11", "20260511")
	if err := os.MkdirAll(day, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(day, "info.jsonl"), []byte(log.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(plain, args...)
		cmd.Dir, cmd.Env = folder, environ()
		text, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", args, err)
		}
		return string(text)
	}
	run("migrate", "--logs", "logs")
	lines := strings.Split(strings.TrimSpace(run("messages", "11", "--limit", "100000")), "\n")
	if len(lines) != many+1 || lines[0] != "time                  user  channel  message" || lines[1] != "2026-05-11 06:41:39Z  5     general  message 2499" || lines[many] != "2026-05-11 06:00:00Z  5     general  message 0" {
		t.Errorf("%d lines: %q, %q … %q", len(lines), lines[0], lines[1], lines[len(lines)-1])
	}
	var records []api.Record
	if err := json.Unmarshal([]byte(run("messages", "11", "--limit", "2100", "--json")), &records); err != nil || len(records) != 2100 || records[2099].Content != "message 400" {
		t.Errorf("%d records, %v", len(records), err)
	}
}
