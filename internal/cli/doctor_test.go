package cli_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/internal/doctor"
	"rollcall/internal/simulator"
)

// examine runs the doctor in a folder and returns what it found and its exit code.
func examine(t *testing.T, folder string, env ...string) ([]doctor.Check, int) {
	t.Helper()
	cmd := exec.Command(plain, "doctor", "--json")
	cmd.Dir, cmd.Env = folder, environ()
	for _, v := range env {
		cmd.Env = append(cmd.Env, "ROLLCALL_"+v)
	}
	text, err := cmd.Output()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	var checks []doctor.Check
	if err := json.Unmarshal(text, &checks); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return checks, cmd.ProcessState.ExitCode()
}

// Each thing is broken in turn: its check fails and says what to do, and no other does that
// does not depend on it.
func TestDoctor(t *testing.T) {
	all := []string{"token", "intents", "permissions", "folders", "disk", "clock", "file", "socket", "service"}
	type setting struct {
		discord *simulator.Server
		guild   *simulator.Guild
		channel *simulator.Channel
		folder  string
		env     []string
	}
	for _, tc := range []struct {
		name, want, detail, fix string
		also                    []string // checks that cannot be made then
		spoil                   func(*setting)
	}{
		{name: "all is well", spoil: func(*setting) {}},
		{name: "no token", want: "token", detail: "no token is set", fix: "ROLLCALL_TOKEN_FILE", also: []string{"intents", "permissions"},
			spoil: func(s *setting) { s.env = s.env[1:] }},
		{name: "a token file that is not there", want: "token", detail: "ROLLCALL_TOKEN_FILE: cannot read the file", fix: "only you can read", also: []string{"intents", "permissions"},
			spoil: func(s *setting) { s.env[0] = "TOKEN_FILE=missing" }},
		{name: "a token that was reset", want: "token", detail: "Discord refuses the token", fix: "reset it", also: []string{"intents", "permissions"},
			spoil: func(s *setting) { s.discord.SetToken("another.bot.token") }},
		{name: "Discord is out of reach", want: "token", detail: "does not answer", fix: "look at the network", also: []string{"intents", "permissions", "clock"},
			spoil: func(s *setting) { s.env[1] = "DISCORD_URL=http://" + closedAddress(t) }},
		{name: "the intent is off", want: "intents", detail: "message content is off", fix: "Message Content Intent",
			spoil: func(s *setting) { s.discord.SetPrivileged(0) }},
		{name: "no history", want: "permissions", detail: "channel #general", fix: "allow it to the bot's role",
			spoil: func(s *setting) { s.channel.SetAccess(simulator.NoHistory) }},
		{name: "a channel that is named is hidden", want: "permissions", detail: "which the settings name", fix: "View Channels",
			spoil: func(s *setting) {
				s.channel.SetAccess(simulator.NoAccess)
				s.env = append(s.env, "CHANNELS_ALLOW="+s.channel.ID.String())
			}},
		{name: "no server", want: "permissions", detail: "in no server", fix: "invite it",
			spoil: func(s *setting) { s.guild.Remove() }},
		{name: "logs that are not there", want: "folders", detail: `"nologs": no such file or directory`, fix: "ROLLCALL_LOGS",
			spoil: func(s *setting) { s.env = append(s.env, "LOGS=nologs") }},
		{name: "no folder for the database", want: "folders", detail: `"none": no such file or directory`, fix: "ROLLCALL_DB", also: []string{"disk", "socket"},
			spoil: func(s *setting) { s.env = append(s.env, "DB=none/rollcall.db") }},
		{name: "too little room", want: "disk", detail: "is to be kept", fix: "ROLLCALL_MIN_FREE",
			spoil: func(s *setting) { s.env = append(s.env, "MIN_FREE=8000000TiB") }},
		{name: "a clock that is wrong", want: "clock", detail: "behind Discord's", fix: "timedatectl",
			spoil: func(s *setting) { s.env[1] = "DISCORD_URL=" + ahead(t, s.discord.URL(), time.Hour) }},
		{name: "a damaged file", want: "file", detail: "damaged database", fix: "rollcall restore",
			spoil: func(s *setting) { writeTo(t, filepath.Join(s.folder, "rollcall.db"), "no database") }},
		{name: "a file in the socket's place", want: "socket", detail: "is no socket", fix: "remove it",
			spoil: func(s *setting) { writeTo(t, filepath.Join(s.folder, "rollcall.db.sock"), "mine") }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			discord, err := simulator.Start(simulator.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { discord.Close() })
			s := setting{discord: discord, folder: t.TempDir()}
			s.guild = discord.AddGuild(simulator.GuildSpec{Name: "Lounge"})
			s.channel = s.guild.AddChannel(simulator.ChannelSpec{Name: "general"})
			s.env = []string{"TOKEN=" + discord.Token(), "DISCORD_URL=" + discord.URL()}
			tc.spoil(&s)
			checks, code := examine(t, s.folder, s.env...)
			var names []string
			for _, c := range checks {
				names = append(names, c.Check)
				wrong := c.Check == tc.want || slices.Contains(tc.also, c.Check)
				if c.OK == wrong || c.OK != (c.Fix == "") || c.Detail == "" {
					t.Errorf("%+v", c)
				}
				if c.Check == tc.want && (!strings.Contains(c.Detail, tc.detail) || !strings.Contains(c.Fix, tc.fix)) {
					t.Errorf("have %+v, want %q and %q", c, tc.detail, tc.fix)
				}
			}
			if !slices.Equal(slices.Compact(names), all) {
				t.Errorf("the checks are %v", names)
			}
			if want := map[bool]int{true: 0, false: 1}[tc.want == ""]; code != want {
				t.Errorf("exit code %d, want %d", code, want)
			}
		})
	}
}

// With a daemon, the doctor knows of the channels that Discord's list leaves out.
func TestDoctorOfADaemon(t *testing.T) {
	discord, err := simulator.Start(simulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { discord.Close() })
	guild := discord.AddGuild(simulator.GuildSpec{Name: "Lounge"})
	guild.AddChannel(simulator.ChannelSpec{Name: "general"})
	plans := guild.AddChannel(simulator.ChannelSpec{Name: "plans"})
	folder := t.TempDir()
	env := []string{"TOKEN=" + discord.Token(), "DISCORD_URL=" + discord.URL(), "COMMIT_INTERVAL=0", "LISTEN="}
	startDaemon(t, folder, env...)
	if err := discord.WaitReady(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	checks, code := examine(t, folder, env...)
	if code != 0 || !strings.HasPrefix(checks[7].Detail, "the daemon answers on ") {
		t.Fatalf("exit code %d, %+v", code, checks)
	}
	plans.SetAccess(simulator.NoAccess)
	if err := waitFor(func() bool {
		checks, code = examine(t, folder, env...)
		return code == 1
	}); err != nil {
		t.Fatal(err)
	}
	if c := checks[2]; c.Check != "permissions" || c.OK || !strings.Contains(c.Detail, "hidden from the bot") || !strings.Contains(c.Detail, plans.ID.String()) {
		t.Errorf("%+v", c)
	}
	if checks, code = examine(t, folder, append(env, "CHANNELS_DENY="+plans.ID.String())...); code != 0 {
		t.Errorf("a channel that is denied: %+v", checks)
	}
}

// closedAddress is one on which nobody listens.
func closedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// ahead is a proxy whose clock is ahead of this machine's.
func ahead(t *testing.T, address string, by time.Duration) string {
	t.Helper()
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ModifyResponse = func(r *http.Response) error {
		r.Header.Set("Date", time.Now().Add(by).UTC().Format(http.TimeFormat))
		return nil
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	return server.URL
}

func writeTo(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// What simulate prints is what a daemon needs.
func TestSimulate(t *testing.T) {
	folder := t.TempDir()
	cmd := exec.Command(binary, "simulate", "--listen", "127.0.0.1:0", "--rate", "50", "--json")
	cmd.Dir, cmd.Env = folder, environ()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	var told struct {
		URL   string `json:"discord_url"`
		Token string `json:"token"`
	}
	if err := json.NewDecoder(out).Decode(&told); err != nil {
		t.Fatal(err)
	}
	p := startDaemon(t, folder, "TOKEN="+told.Token, "DISCORD_URL="+told.URL, "COMMIT_INTERVAL=0", "LISTEN=")
	p.waitLog(`"msg":"running"`)
	if err := waitFor(func() bool { return len(p.exported()) > 10 }); err != nil {
		t.Fatal(err)
	}
	if checks, code := examine(t, folder, "TOKEN="+told.Token, "DISCORD_URL="+told.URL); code != 0 {
		t.Error(fmt.Sprint(checks))
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
}
