package cli_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"rollcall/internal/simulator"
)

// answerOf asks why of a message.
func (p *process) answerOf(what string) (reason, detail string) {
	p.t.Helper()
	var a struct {
		Message string `json:"message_id"`
		Stored  bool   `json:"stored"`
		Reason  string `json:"reason"`
		Detail  string `json:"detail"`
	}
	if err := json.Unmarshal([]byte(p.rollcall("why", what, "--json")), &a); err != nil {
		p.t.Fatal(err)
	}
	if a.Message == "" || a.Stored != (a.Reason == "stored") || a.Detail == "" || strings.Contains(a.Detail, "\n") {
		p.t.Errorf("why %s: %+v", what, a)
	}
	return a.Reason, a.Detail
}

func linkOf(m simulator.Message) string {
	guild := "@me"
	if m.Guild != 0 {
		guild = m.Guild.String()
	}
	return fmt.Sprintf("https://canary.discord.com/channels/%s/%s/%s", guild, m.Channel, m.ID)
}

// Each message has its reason, by its link and, where that can be known, by its id: from the
// daemon, and, but for what only that daemon can know, from the file.
func TestWhyAndCoverage(t *testing.T) {
	discord, err := simulator.Start(simulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer discord.Close()
	ctx := t.Context()
	lounge := discord.AddGuild(simulator.GuildSpec{Name: "Lounge"})
	general, secret := lounge.AddChannel(simulator.ChannelSpec{Name: "general"}), lounge.AddChannel(simulator.ChannelSpec{Name: "secret"})
	quiet := lounge.AddChannel(simulator.ChannelSpec{Name: "quiet"})
	thread := general.StartThread(simulator.ThreadSpec{Name: "old thread", Private: true})
	denied := discord.AddGuild(simulator.GuildSpec{Name: "Denied"})
	elsewhere := denied.AddChannel(simulator.ChannelSpec{Name: "elsewhere"})
	ada, bo, cy := discord.AddUser(simulator.UserSpec{Name: "Ada"}), discord.AddUser(simulator.UserSpec{Name: "Bo"}), discord.AddUser(simulator.UserSpec{Name: "Cy"})
	robot := discord.AddUser(simulator.UserSpec{Name: "Robot", Bot: true})
	post := func(c *simulator.Channel, d simulator.Draft) simulator.Message {
		t.Helper()
		m, err := c.Post(ctx, d)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	early := post(general, simulator.Draft{Author: ada, Content: "early"})
	inThread := post(thread, simulator.Draft{Author: ada, Content: "before the bot"})

	folder := t.TempDir()
	env := []string{"TOKEN=" + discord.Token(), "DISCORD_URL=" + discord.URL(), "COMMIT_INTERVAL=10ms", "BACKFILL=none", "ON_DELETE=remove",
		"CHANNELS_DENY=" + secret.ID.String(), "GUILDS_DENY=" + denied.ID.String(), "OPT_OUT=" + cy.ID.String()}
	p := startDaemon(t, folder, env...)
	if err := discord.WaitReady(ctx, 1); err != nil {
		t.Fatal(err)
	}
	waitReason := func(m simulator.Message, want string) {
		t.Helper()
		var reason, detail string
		if err := waitFor(func() bool { reason, detail = p.answerOf(linkOf(m)); return reason == want }); err != nil {
			t.Errorf("%s is %s, want %s: %s", linkOf(m), reason, want, detail)
		}
	}
	stored := post(general, simulator.Draft{Author: ada, Content: "hello"})
	gone := post(general, simulator.Draft{Author: bo, Content: "regretted"})
	byBo := post(general, simulator.Draft{Author: bo, Content: "mine"})
	waitReason(byBo, "stored")
	general.DeleteMessages(gone.ID)
	waitReason(gone, "deleted")
	p.rollcall("forget", bo.ID.String(), "--yes")
	thread.AddBot()
	joined := post(thread, simulator.Draft{Author: ada, Content: "with the bot"})
	messages := []struct {
		m       simulator.Message
		reason  string
		id      string // "?": the id alone does not tell
		without string // without that daemon, if that is another one
	}{
		{stored, "stored", "", ""},
		{post(general, simulator.Draft{Author: robot, Content: "beep"}), "bot", "", ""},
		{post(general, simulator.Draft{Webhook: "hook", Content: "beep"}), "webhook", "", ""},
		{post(general, simulator.Draft{Author: ada, Type: 7}), "system", "", ""},
		{post(discord.DirectWith(ada), simulator.Draft{Author: ada, Content: "psst"}), "direct_message", "", ""},
		{post(secret, simulator.Draft{Author: ada, Content: "hidden"}), "channel_denied", "", ""},
		{post(elsewhere, simulator.Draft{Author: ada, Content: "far"}), "guild_denied", "", ""},
		{post(general, simulator.Draft{Author: cy, Content: "not me"}), "opted_out", "", "unknown"},
		{byBo, "forgotten", "", "unknown"},
		{post(general, simulator.Draft{Author: bo, Content: "again"}), "forgotten", "", "unknown"},
		{early, "before_first_seen", "", ""},
		{inThread, "before_first_seen", "?", ""},
		{joined, "stored", "", ""},
	}
	last := post(general, simulator.Draft{Author: ada, Content: "last"})
	waitReason(last, "stored") // those before it are committed
	for _, m := range messages {
		reason, detail := p.answerOf(linkOf(m.m))
		if reason != m.reason {
			t.Errorf("%s of %q is %s, want %s: %s", linkOf(m.m), m.m.Content, reason, m.reason, detail)
		}
		if reason, detail := p.answerOf(m.m.ID.String()); reason != m.reason && m.id == "" {
			t.Errorf("by its id, %q is %s, want %s: %s", m.m.Content, reason, m.reason, detail)
		}
	}
	if reason, detail := p.answerOf("https://discord.com/channels/" + lounge.ID.String() + "/" + general.ID.String() + "/" + (last.ID + 1).String()); reason != "unknown" {
		t.Errorf("what never was is %s: %s", reason, detail)
	}
	p.signal(os.Interrupt)
	if state := p.wait(); !state.Success() {
		t.Errorf("the daemon ended with %v", state)
	}

	// Nobody listens, and the next start fetches nothing.
	away := post(general, simulator.Draft{Author: ada, Content: "away"})
	q := &process{t: t, folder: folder}
	if reason, detail := q.answerOf(linkOf(away)); reason != "gap" || !strings.Contains(detail, "nobody has listened since") {
		t.Errorf("while nobody listens it is %s: %s", reason, detail)
	}
	p = startDaemon(t, folder, env...)
	if err := waitFor(func() bool { _, detail := p.answerOf(linkOf(away)); return strings.Contains(detail, "skipped") }); err != nil {
		t.Errorf("what nobody heard is in no gap: %v", err)
	}
	if reason, detail := p.answerOf(away.ID.String()); reason != "gap" {
		t.Errorf("by its id it is %s: %s", reason, detail)
	}
	waitReason(post(quiet, simulator.Draft{Author: ada, Content: "back"}), "stored")
	compareCoverage(t, p, lounge.ID.String(), away)
	p.signal(os.Interrupt)
	p.wait()
	t.Setenv("ROLLCALL_CHANNELS_DENY", secret.ID.String())
	for _, m := range messages {
		want := m.reason
		if m.without != "" {
			want = m.without
		}
		if m.reason == "channel_denied" || m.reason == "guild_denied" {
			continue // the rules are the daemon's
		}
		if reason, detail := q.answerOf(linkOf(m.m)); reason != want {
			t.Errorf("without the daemon, %q is %s, want %s: %s", m.m.Content, reason, want, detail)
		}
	}
	q.rollcall("check")
}

// compareCoverage wants each channel as it is.
func compareCoverage(t *testing.T, p *process, guild string, missed simulator.Message) {
	t.Helper()
	type channel struct {
		Guild    string  `json:"guild_id"`
		ID       *string `json:"channel_id"`
		Name     string  `json:"channel_name"`
		From, To *string
		Messages int     `json:"messages"`
		Complete *string `json:"complete_since"`
		Gaps     []struct{ From, To, Reason, State string }
		Readable *bool `json:"readable"`
	}
	var list []channel
	if err := json.Unmarshal([]byte(p.rollcall("coverage", "--json")), &list); err != nil {
		t.Fatal(err)
	}
	found := map[string]channel{}
	for _, c := range list {
		if c.Guild != guild {
			t.Errorf("a channel of guild %s, which is denied", c.Guild)
		}
		found[c.Name] = c
	}
	if len(found) != 3 || len(list) != 3 {
		t.Fatalf("the channels are %+v", list)
	}
	for name, messages := range map[string]int{"general": 2, "quiet": 1, "old thread": 1} {
		c := found[name]
		if c.ID == nil || c.Messages != messages || c.From == nil || c.To == nil || c.Complete == nil || c.Readable == nil || !*c.Readable {
			t.Errorf("%s: %+v", name, c)
		}
	}
	general := found["general"]
	if len(general.Gaps) != 1 || general.Gaps[0].State != "skipped" || *general.Complete != general.Gaps[0].To || *general.From >= *general.Complete {
		t.Errorf("general is complete since %s, with %+v; a message was missed at %s", *general.Complete, general.Gaps, missed.Time)
	}
	// It begins when the bot learns that it is in it, at about the time of the first message.
	thread := found["old thread"]
	complete, err1 := time.Parse(time.RFC3339, *thread.Complete)
	first, err2 := time.Parse(time.RFC3339, *thread.From)
	if early := complete.Sub(first); err1 != nil || err2 != nil || early < -time.Second || early > time.Second || len(thread.Gaps) != 1 {
		t.Errorf("the thread is complete since %s, its first message is of %s, its gaps are %v", *thread.Complete, *thread.From, thread.Gaps)
	}
	table := p.rollcall("coverage", "Lounge")
	for line := range strings.Lines(table) {
		if len([]rune(strings.TrimSuffix(line, "\n"))) > 80 {
			t.Errorf("wider than 80 columns: %s", line)
		}
	}
	if !strings.Contains(table, "Lounge ("+guild+")") || !strings.Contains(table, "rollcall why LINK") || !strings.Contains(table, "complete since") {
		t.Errorf("the table is %s", table)
	}
}
