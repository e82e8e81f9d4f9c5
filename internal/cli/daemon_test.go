package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"rollcall/internal/api"
	"rollcall/internal/simulator"
	"rollcall/internal/storetest"
)

// process is a running daemon.
type process struct {
	t      *testing.T
	folder string
	cmd    *exec.Cmd
	log    *storetest.Log
	exited chan error
}

// startDaemon starts a daemon in a folder, with these variables (without prefix).
func startDaemon(t *testing.T, folder string, env ...string) *process {
	t.Helper()
	return startDaemonAs(t, exec.Command(binary), folder, env...)
}

func startDaemonAs(t *testing.T, cmd *exec.Cmd, folder string, env ...string) *process {
	t.Helper()
	p := &process{t: t, folder: folder, cmd: cmd, log: new(storetest.Log), exited: make(chan error, 1)}
	p.cmd.Dir = folder
	p.cmd.Env = environ("ROLLCALL_LISTEN=", "ROLLCALL_LOG_FORMAT=json")
	for _, v := range env {
		p.cmd.Env = append(p.cmd.Env, "ROLLCALL_"+v)
	}
	p.cmd.Stderr = p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.exited <- p.cmd.Wait() }()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		if t.Failed() {
			t.Logf("the daemon's log:\n%s", p.log)
		}
	})
	return p
}

// waitLog waits for a text in the daemon's log.
func (p *process) waitLog(text string) {
	p.t.Helper()
	if err := waitFor(func() bool { return strings.Contains(p.log.String(), text) }); err != nil {
		p.t.Fatalf("no %q in the log: %v", text, err)
	}
}

// wait waits for the end of the process and returns its state.
func (p *process) wait() *os.ProcessState {
	p.t.Helper()
	select {
	case <-p.exited:
		return p.cmd.ProcessState
	case <-time.After(within):
		p.t.Fatal("the daemon does not end")
		return nil
	}
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// rollcall runs a command in the daemon's folder and returns what it prints.
func (p *process) rollcall(args ...string) string {
	p.t.Helper()
	cmd := exec.Command(plain, args...)
	cmd.Dir, cmd.Env = p.folder, environ()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil {
		p.t.Fatalf("rollcall %s: %v: %s", strings.Join(args, " "), err, &stderr)
	}
	return string(text)
}

// exported returns the ids of the messages that the database has, sorted.
func (p *process) exported() []string {
	p.t.Helper()
	var ids []string
	for line := range strings.Lines(p.rollcall("export")) {
		var r struct {
			ID string `json:"message_id"`
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			p.t.Fatal(err)
		}
		ids = append(ids, r.ID)
	}
	slices.Sort(ids)
	return ids
}

// newDiscord starts a simulated Discord with a guild and people in it.
func newDiscord(t *testing.T) (*simulator.Server, *simulator.Chatter) {
	t.Helper()
	discord, err := simulator.Start(simulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { discord.Close() })
	guild := discord.AddGuild(simulator.GuildSpec{Name: "Lounge"})
	guild.AddChannel(simulator.ChannelSpec{Name: "general"}).StartThread(simulator.ThreadSpec{Name: "a thread"})
	chatter, err := discord.NewChatter(simulator.ChatterOptions{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return discord, chatter
}

// Told to stop in the middle of a stream, the daemon stores all that it was sent,
// and the next one fetches what it missed: every message counts once.
func TestStopInMidStream(t *testing.T) {
	discord, chatter := newDiscord(t)
	folder := t.TempDir()
	env := []string{"TOKEN=" + discord.Token(), "DISCORD_URL=" + discord.URL(), "COMMIT_INTERVAL=1m"} // longer than within: a stop does not wait for it
	p := startDaemon(t, folder, env...)
	if err := discord.WaitReady(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	chatting := make(chan error, 1)
	go func() { chatting <- chatter.Run(ctx, 2000, 4000) }() // bounded: the rest is fetched within a time
	if err := waitFor(func() bool { _, n := chatter.Posted(); return n >= 2000 }); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGTERM)
	if state := p.wait(); !state.Success() {
		t.Errorf("the daemon ended with %v", state)
	}
	cancel()
	if err := <-chatting; err != nil {
		t.Fatal(err)
	}
	stored := p.exported()
	if len(stored) < 500 {
		t.Errorf("only %d messages were stored", len(stored))
	}
	p.rollcall("check")

	p = startDaemon(t, folder, env...)
	var want []string
	for m := range discord.Messages() {
		if m.Counts {
			want = append(want, m.ID.String())
		}
	}
	slices.Sort(want)
	var have []string
	if err := waitFor(func() bool { have = p.exported(); return len(have) >= len(want) }); err != nil || !slices.Equal(have, want) {
		t.Errorf("%d messages are stored, %d were posted: %v", len(have), len(want), err)
	}
	p.signal(os.Interrupt)
	if state := p.wait(); !state.Success() {
		t.Errorf("the daemon ended with %v", state)
	}
	p.rollcall("check")
}

// A second signal ends the process at once, whatever it waits for.
func TestSecondSignal(t *testing.T) {
	folder := t.TempDir()
	p := startDaemon(t, folder)
	p.waitLog(`"msg":"running"`)
	// Half a request, which the daemon leaves a second to become a whole one.
	conn, err := api.DialSocket(t.Context(), filepath.Join(folder, "rollcall.db.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /"); err != nil {
		t.Fatal(err)
	}
	p.rollcall("guilds") // accepted later
	p.signal(syscall.SIGTERM)
	p.waitLog("a second signal ends the process at once")
	p.signal(syscall.SIGTERM)
	if state := p.wait(); state.Success() { // the first signal alone ends it well, once the second is over
		t.Errorf("the daemon ended with %v", state)
	}
}

// What Discord refuses ends the daemon with one line and the code for which systemd
// does not start it again.
func TestRefused(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fault func(*simulator.Server)
		token string
		want  string
	}{
		{"token", func(*simulator.Server) {}, "a.wrong.secret", "token"},
		{"intents", func(s *simulator.Server) { s.SetPrivileged(0) }, "", "intent"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			discord, _ := newDiscord(t)
			tc.fault(discord)
			if tc.token == "" {
				tc.token = discord.Token()
			}
			p := startDaemon(t, t.TempDir(), "TOKEN="+tc.token, "DISCORD_URL="+discord.URL())
			state := p.wait()
			lines := strings.Split(strings.TrimSpace(p.log.String()), "\n")
			last := lines[len(lines)-1]
			if state.ExitCode() != 78 || !strings.HasPrefix(last, "rollcall: ") || !strings.Contains(strings.ToLower(last), tc.want) {
				t.Errorf("exit code %d, last line %s", state.ExitCode(), last)
			}
			if strings.Contains(p.log.String(), tc.token) {
				t.Error("the log holds the token")
			}
		})
	}
}

// Over TCP health is open and /v1 wants the token; the daemon's log holds neither
// token nor what people write.
func TestHTTP(t *testing.T) {
	discord, _ := newDiscord(t)
	p := startDaemon(t, t.TempDir(), "TOKEN="+discord.Token(), "DISCORD_URL="+discord.URL(), "COMMIT_INTERVAL=0",
		"LISTEN=127.0.0.1:0", "API_TOKEN=apisecret", "LOG_LEVEL=debug")
	if err := discord.WaitReady(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	ann := discord.AddUser(simulator.UserSpec{Name: "Ann"})
	message, err := discord.Guilds()[0].Channels()[0].Say(t.Context(), ann, "for nobody's log")
	if err != nil {
		t.Fatal(err)
	}
	if err := waitFor(func() bool { return len(p.exported()) == 1 }); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		path, token string
		status      int
		want        string
	}{
		{"/healthz", "", 200, `{"status":"ok","parts":{"disk":{"status":"ok"`},
		{"/readyz", "", 200, `"gateway":{"status":"ok","detail":"1 shard connected"}`},
		{"/metrics", "", 200, `rollcall_messages_total{outcome="stored",source="live"} 1`},
		{"/v1/status", "", 401, `"status":401`},
		{"/v1/guilds", "", 401, `"status":401`},
		{"/v1/guilds", "wrong", 401, `"status":401`},
		{"/v1/guilds", "apisecret", 200, `"guild_name":"Lounge","total_messages":1,"users":1,`},
		{"/v1/guilds/lounge/messages?user=ann", "apisecret", 200, fmt.Sprintf(`"message_id":"%s"`, message.ID)},
		{"/v1/state", "apisecret", 200, `"gaps":[`},
	} {
		request, err := http.NewRequest("GET", "http://"+p.httpAddress()+tc.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if tc.token != "" {
			request.Header.Set("Authorization", "Bearer "+tc.token)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != tc.status || !strings.Contains(string(body), tc.want) {
			t.Errorf("%s: got %d %s, %v", tc.path, response.StatusCode, body, err)
		}
	}
	if got := p.rollcall("messages", "Lounge", "--user", "Ann"); !strings.Contains(got, "for nobody's log") {
		t.Errorf("got %s", got)
	}
	p.signal(os.Interrupt)
	p.wait()
	for _, secret := range []string{"apisecret", discord.Token(), "for nobody's log"} {
		if strings.Contains(p.log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}

// A closed pipe ends a command quietly, and does not end the daemon, whose log goes there.
func TestClosedPipe(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // no SIGPIPE there
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary)
	cmd.Dir, cmd.Stderr = t.TempDir(), writer
	cmd.Env = environ("ROLLCALL_LISTEN=")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	writer.Close()
	for lines := bufio.NewScanner(reader); lines.Scan() && !strings.Contains(lines.Text(), `"msg":"running"`); {
	}
	reader.Close()
	cmd.Process.Signal(syscall.SIGTERM) // it will say that it is stopping
	if err := cmd.Wait(); err != nil {
		t.Errorf("the daemon ended with %v", err)
	}
}
