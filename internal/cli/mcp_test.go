package cli_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"

	"rollcall/internal/simulator"
)

// modelClient is a client of rollcall mcp.
type modelClient struct {
	t   *testing.T
	in  io.WriteCloser
	out *bufio.Scanner
	id  int
}

func (p *process) model(args ...string) *modelClient {
	p.t.Helper()
	cmd := exec.Command(plain, append([]string{"mcp"}, args...)...)
	cmd.Dir, cmd.Env = p.folder, environ()
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err1 != nil || err2 != nil {
		p.t.Fatal(err1, err2)
	}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			p.t.Errorf("rollcall mcp: %v", err)
		}
	})
	m := &modelClient{t: p.t, in: in, out: bufio.NewScanner(out)}
	m.out.Buffer(nil, 1<<20)
	m.ask("initialize", `{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}`)
	fmt.Fprintln(in, `{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	return m
}

func (m *modelClient) ask(method, parameters string) string {
	m.t.Helper()
	m.id++
	if _, err := fmt.Fprintf(m.in, `{"jsonrpc":"2.0","id":%d,"method":%q,"params":%s}`+"\n", m.id, method, parameters); err != nil {
		m.t.Fatal(err)
	}
	for m.out.Scan() {
		if text := m.out.Text(); strings.Contains(text, fmt.Sprintf(`"id":%d,`, m.id)) {
			return text
		}
	}
	m.t.Fatal("the server is gone", m.out.Err())
	return ""
}

func (m *modelClient) call(tool, arguments string) string {
	m.t.Helper()
	return m.ask("tools/call", fmt.Sprintf(`{"name":%q,"arguments":%s}`, tool, arguments))
}

// A model that answers for a member sees what the member may read, as it is at each call, and nobody is
// taken for a member who is none.
func TestModelAsMember(t *testing.T) {
	discord, _ := newDiscord(t)
	guild := discord.Guilds()[0]
	secret := guild.AddChannel(simulator.ChannelSpec{Name: "secret"})
	role := guild.AddRole(simulator.RoleSpec{Name: "friends"})
	secret.SetOverwrites(simulator.Overwrite{Role: guild.Everyone(), Deny: simulator.ViewChannel},
		simulator.Overwrite{User: discord.Bot(), Allow: simulator.ViewChannel}, simulator.Overwrite{Role: role, Allow: simulator.ViewChannel})
	ann, ben := discord.AddUser(simulator.UserSpec{Name: "Ann"}), discord.AddUser(simulator.UserSpec{Name: "Ben"})
	p := startDaemon(t, t.TempDir(), "TOKEN="+discord.Token(), "DISCORD_URL="+discord.URL(), "COMMIT_INTERVAL=0", "OPT_OUT=77")
	if err := discord.WaitReady(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for channel, text := range map[*simulator.Channel]string{guild.Channels()[0]: "tiger in the open", secret: "tiger in secret"} {
		if _, err := channel.Say(t.Context(), ann, text); err != nil {
			t.Fatal(err)
		}
	}
	guild.SetRoles(ann, role)
	guild.SetRoles(ben)
	if err := waitFor(func() bool { return len(p.exported()) == 2 }); err != nil {
		t.Fatal(err)
	}
	const search = `{"query":"tiger"}`
	if text := p.model("--as", "Ann").call("search_messages", search); strings.Count(text, "tiger in secret") == 0 || strings.Count(text, "tiger in the open") == 0 {
		t.Errorf("Ann is told %s", text)
	}
	m := p.model("--as", ben.ID.String())
	if text := m.call("search_messages", search); strings.Contains(text, "secret") || !strings.Contains(text, "tiger in the open") {
		t.Errorf("Ben is told %s", text)
	}
	if text := m.call("guild_stats", `{}`); strings.Contains(text, "secret") || !strings.Contains(text, `"total_messages":1}`) {
		t.Errorf("Ben is told %s", text)
	}
	role.SetPermissions(0)
	secret.SetOverwrites()
	if err := waitFor(func() bool { return strings.Contains(m.call("search_messages", search), "tiger in secret") }); err != nil {
		t.Error("an overwrite that is gone still counts")
	}

	for user, want := range map[string]string{
		"99": "rollcall: mcp --as: user 99 is not a member of the server " + guild.ID.String(), "77": "rollcall: mcp --as: user 77 is forgotten or has opted out: nothing is answered as them",
		"Zoe": `rollcall: mcp --as: no such user: "Zoe"`, "": "rollcall: mcp --as: user is missing: want an id or a name",
	} {
		cmd := exec.Command(plain, "mcp", "--as", user)
		var stderr bytes.Buffer
		cmd.Dir, cmd.Env, cmd.Stderr = p.folder, environ(), &stderr
		if err := cmd.Run(); err == nil || stderr.String() != want+"\n" {
			t.Errorf("as %q: %v %s", user, err, &stderr)
		}
	}
}
