package mcp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/internal/api"
	"rollcall/internal/mcp"
	"rollcall/internal/permissions"
	"rollcall/internal/rules"
	"rollcall/internal/storetest"
	"rollcall/store"
	"rollcall/tracker"
)

// discord is what Discord says of two guilds: who is in them, and what they may read.
type discord struct {
	mu      sync.Mutex
	guilds  map[store.ID]*permissions.Guild
	members map[store.ID]map[store.ID][]store.ID // roles, by guild and user
}

// Read is an api.Reader.
func (d *discord) Read(_ context.Context, guild, user store.ID) (func(store.ID) bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	roles, ok := d.members[guild][user]
	if !ok {
		return nil, tracker.ErrNoMember
	}
	return func(channel store.ID) bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.guilds[guild].Reading(permissions.Member{User: user, Roles: roles}, channel) == permissions.Full
	}, nil
}

// rooms is how many channels there are, 1000 and on, and a thread of each, 2000 and on, the last of them private.
const rooms = 5

// shuffle makes roles and overwrites anew.
func (d *discord) shuffle(r *rand.Rand) {
	d.mu.Lock()
	defer d.mu.Unlock()
	set := func() (s permissions.Set) {
		for _, p := range []permissions.Set{permissions.ViewChannel, permissions.ReadMessageHistory, permissions.ManageThreads} {
			if r.IntN(3) > 0 {
				s |= p
			}
		}
		return s
	}
	g := permissions.NewGuild(guildA)
	g.SetOwner(1)
	g.SetRoles([]permissions.Role{{ID: guildA, Allow: set()}, {ID: 11, Allow: set()}, {ID: 12, Allow: set()}})
	for i := range store.ID(rooms) {
		c := permissions.Channel{ID: 1000 + i}
		for _, o := range []permissions.Overwrite{{ID: guildA}, {ID: 11}, {ID: 12}, {ID: alice, Member: true}} {
			if o.Allow, o.Deny = set(), set(); r.IntN(2) == 0 {
				c.Overwrites = append(c.Overwrites, o)
			}
		}
		g.SetChannel(c)
		kind := permissions.PublicThread
		if i == rooms-1 {
			kind = permissions.PrivateThread
		}
		g.SetChannel(permissions.Channel{ID: 2000 + i, Parent: c.ID, Kind: kind})
	}
	d.guilds = map[store.ID]*permissions.Guild{guildA: g}
	d.members = map[store.ID]map[store.ID][]store.ID{guildA: {alice: []store.ID{11, 12}[:r.IntN(3)], 6: nil}}
}

func handlerOf(db *store.DB, d *discord, rules *rules.Rules) http.Handler {
	o := api.Options{Store: db, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return begin.Add(50 * 24 * time.Hour) }, Rules: rules}
	if d != nil {
		o.Reader = d.Read
	}
	return api.New(o).Socket()
}

// What is answered as a member is what would be answered if nothing else had ever been written, whatever
// their roles and the overwrites are, from the next call on after they have changed.
func TestAsMember(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var all []store.Record
	for i := range 400 {
		at := store.MicrosOf(begin) + store.Micros(i)*3600e6
		channel := store.ID(1000 + r.IntN(rooms) + 1000*r.IntN(2))
		all = append(all, store.Record{
			Guild: guildA, User: []store.ID{alice, 6, 7, 8}[r.IntN(4)], Time: at, Source: store.SourceLive, Message: store.ID((int64(at)/1000 - 1420070400000) << 22),
			Channel: store.Channel{ID: channel, Name: fmt.Sprint("room ", channel)}, Content: fmt.Sprintf("common word%d only%d", channel, i),
		})
	}
	fill := func(keep func(store.ID) bool) *store.DB {
		db := storetest.New(t, store.Options{})
		b := store.Batch{Names: []store.Name{{Guild: guildA, Name: "Home"}, {Guild: guildA, User: alice, Name: "Alice"}, {Guild: guildA, User: 6, Name: "bob"}}}
		for _, record := range all {
			if keep(record.Channel.ID) {
				b.Records = append(b.Records, record)
			}
		}
		if _, err := db.Put(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		return db
	}
	d := &discord{}
	d.shuffle(r)
	whole := handlerOf(fill(func(store.ID) bool { return true }), d, nil)
	var as *client
	partly := 0
	for round := range 9 {
		if round%3 == 0 { // more calls would be too many for a session that does not wait
			as = serve(t, mcp.Options{Ask: mcp.InProcess(whole), As: alice})
			as.initialize("2025-06-18")
		}
		d.shuffle(r)
		reads, err := d.Read(t.Context(), guildA, alice)
		if err != nil {
			t.Fatal(err)
		}
		part := fill(reads)
		if guilds, err := part.Guilds(t.Context()); err != nil || len(guilds) == 0 {
			if _, text, _ := as.call("guild_stats", `{"guild":"Home"}`); !strings.Contains(text, `"total_messages":0`) || strings.Contains(text, "word") {
				t.Errorf("who may read nothing is told %s", text)
			}
			continue
		}
		partly++
		want := serve(t, mcp.Options{Ask: mcp.InProcess(handlerOf(part, nil, nil))})
		want.initialize("2025-06-18")
		for _, call := range [][2]string{
			{"guild_stats", `{}`}, {"user_stats", `{"user":"6"}`}, {"user_stats", `{"user":"Alice"}`}, {"user_stats", `{"user":"7"}`}, {"user_context", `{"user":"8"}`}, {"top", `{"by":"days"}`},
			{"words", `{"limit":100}`}, {"words", `{"user":"bob"}`}, {"search_messages", `{"query":"common","tokens":20000}`}, {"search_messages", `{"query":"in:1000 from:bob"}`},
			{"search_messages", fmt.Sprintf(`{"query":"only%d"}`, r.IntN(400))}, {"search_messages", `{"query":"common","channel":"room 2004"}`},
			{"messages_around", fmt.Sprintf(`{"message":"%d"}`, all[r.IntN(400)].Message)}, {"messages_around", fmt.Sprintf(`{"message":"%d-%d"}`, 2004, all[r.IntN(400)].Message)},
		} {
			_, got, gotFailed := as.call(call[0], call[1])
			_, expected, failed := want.call(call[0], call[1])
			if got != expected || gotFailed != failed {
				t.Fatalf("round %d: %s %s\nas the member %s\nof their part  %s", round, call[0], call[1], got, expected)
			}
		}
		if _, text, _ := as.call("guilds", `{}`); text != `{"guilds":[{"guild_id":"111111111111111111","guild_name":"Home"}]}` {
			t.Errorf("the guilds are %s", text)
		}
	}
	if partly < 5 {
		t.Errorf("in %d rounds something could be read: that shows little", partly)
	}

	// Who leaves may read nothing from the next call on.
	d.mu.Lock()
	delete(d.members[guildA], alice)
	d.mu.Unlock()
	if _, text, failed := as.call("search_messages", `{"query":"common"}`); !failed || strings.Contains(text, "word") || !strings.Contains(text, "is not a member") {
		t.Errorf("who has left is told %s", text)
	}
}

// Nothing is answered as somebody who is not known, is forgotten or has opted out, or while nobody knows
// who may read what.
func TestAsIsRefused(t *testing.T) {
	db := storetest.New(t, store.Options{})
	b := store.Batch{Names: []store.Name{{Guild: guildA, Name: "Home"}, {Guild: guildA, User: alice, Name: "Alice"}}}
	b.Records = append(b.Records, store.Record{Guild: guildA, User: alice, Time: store.MicrosOf(begin), Message: 5, Source: store.SourceLive, Channel: store.Channel{ID: 1000, Name: "open"}, Content: "hello"})
	if _, err := db.Put(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	d := &discord{members: map[store.ID]map[store.ID][]store.ID{guildA: {alice: nil, 6: nil, 7: nil}}}
	out, err := rules.New(rules.Options{OptOut: []store.ID{7}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	handler := handlerOf(db, d, out)
	ask := func(h http.Handler, user string) string {
		t.Helper()
		_, err := mcp.ReadingOf(t.Context(), mcp.InProcess(h), user, nil)
		if err == nil {
			return ""
		}
		return err.Error()
	}
	for _, who := range []string{"Alice", "ALICE", alice.String(), "6"} {
		if text := ask(handler, who); text != "" {
			t.Errorf("%s: %s", who, text)
		}
	}
	for user, want := range map[string]string{
		"99": "user 99 is not a member of the server", "7": "user 7 is forgotten or has opted out: nothing is answered as them", "nobody": `no such user: "nobody"`, "": "user is missing", "456226577798135808": "stands for every deleted account",
	} {
		if text := ask(handler, user); !strings.Contains(text, want) {
			t.Errorf("%q is answered with %q, want %q", user, text, want)
		}
	}
	if text := ask(handlerOf(db, nil, out), "6"); !strings.Contains(text, "only known while the daemon is connected to Discord") {
		t.Errorf("without Discord: %q", text)
	}
	c := serve(t, mcp.Options{Ask: mcp.InProcess(handler), As: alice})
	c.initialize("2025-06-18")
	if _, err := db.Forget(t.Context(), store.Person{User: alice}); err != nil {
		t.Fatal(err)
	}
	if text := ask(handler, alice.String()); !strings.Contains(text, "member of no server") && !strings.Contains(text, "forgotten") {
		t.Errorf("who is forgotten is answered with %q", text)
	}
	if _, text, failed := c.call("guilds", `{}`); !failed || strings.Contains(text, "Home") {
		t.Errorf("in the session of who is forgotten: %s", text)
	}
}

// Each call is one line, of ids and counts.
func TestAudit(t *testing.T) {
	called := map[string]int{}
	c := serve(t, mcp.Options{Ask: mcp.InProcess(memory(t)), Called: func(tool, result string) { called[tool+" "+result]++ }})
	c.initialize("2025-06-18")
	message := store.ID((begin.UnixMilli() - 1420070400000) << 22)
	for _, call := range [][2]string{
		{"guilds", `{}`}, {"top", `{"guild":"Home"}`}, {"user_stats", fmt.Sprintf(`{"guild":"Home","user":"%d"}`, alice)}, {"user_stats", `{"guild":"Home","user":"Alice"}`},
		{"search_messages", `{"guild":"Home","query":"hello"}`}, {"messages_around", fmt.Sprintf(`{"guild":"Home","message":"%d"}`, message)}, {"top", `{"guild":"nowhere secret"}`},
	} {
		c.call(call[0], call[1])
	}
	var lines []string
	for line := range strings.Lines(c.log.String()) {
		_, text, ok := strings.Cut(line, `msg="mcp call" `)
		if !ok {
			t.Errorf("not a call: %s", line)
		}
		before, after, _ := strings.Cut(text, " seconds=")
		_, failed, _ := strings.Cut(after, " ")
		lines = append(lines, before+" "+strings.TrimSpace(failed))
	}
	want := fmt.Sprintf(`tool=guilds entries=2 failed=false
tool=top guild=111111111111111111 entries=2 failed=false
tool=user_stats guild=111111111111111111 user=%d entries=1 failed=false
tool=user_stats guild=111111111111111111 entries=1 failed=false
tool=search_messages guild=111111111111111111 entries=3 failed=false
tool=messages_around guild=111111111111111111 message=%d entries=5 failed=false
tool=top entries=0 failed=true`, alice, message)
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("have\n%s\nwant\n%s", got, want)
	}
	if called["top ok"] != 1 || called["top failed"] != 1 || called["user_stats ok"] != 2 {
		t.Error(called)
	}
}

// A model in a loop is told to wait, and the log is not filled by it.
func TestRateLimit(t *testing.T) {
	var mu sync.Mutex // calls run beside each other
	called := map[string]int{}
	c := serve(t, mcp.Options{Ask: mcp.InProcess(memory(t)), Called: func(_, result string) {
		mu.Lock()
		defer mu.Unlock()
		called[result]++
	}})
	c.initialize("2025-06-18")
	var calls strings.Builder
	const many = 200
	for id := range many {
		fmt.Fprintf(&calls, `{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"guilds","arguments":{}}}`+"\n", 1000+id)
	}
	go c.in.Write([]byte(calls.String()))
	ok, limited := 0, 0
	for range many {
		if !c.out.Scan() {
			t.Fatal("the server is gone")
		}
		switch text := c.out.Text(); {
		case strings.Contains(text, `"guild_id"`):
			ok++
		case strings.Contains(text, "too many calls: wait a second, then ask again") && strings.Contains(text, `"isError":true`):
			limited++
		default:
			t.Error(text)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	// A slow machine earns ten more a second.
	if ok < 50 || limited < 1 || called[mcp.ResultOK] != ok || called[mcp.ResultLimited] != limited {
		t.Errorf("%d were answered, %d refused, counted %v", ok, limited, called)
	}
	if n := strings.Count(c.log.String(), "mcp calls refused"); n < 1 || n > 1+limited/10 {
		t.Errorf("%d lines tell of %d refused calls", n, limited)
	}
}

// A thread that has the name of a channel of the logs opens nothing of them, in messages, counts and coverage.
func TestAsMemberHasNoLogsByName(t *testing.T) {
	db := storetest.New(t, store.Options{})
	at := store.MicrosOf(begin)
	var lines store.LogBatch
	for n := range store.Micros(5) {
		lines.Records = append(lines.Records, store.Record{
			Guild: guildA, User: 8, Time: at + n*1e6, Source: store.SourceLog, Channel: store.Channel{Name: "staff"}, Content: fmt.Sprint("secret ", n),
		})
	}
	if _, err := storetest.ImportAll(t.Context(), db, lines); err != nil {
		t.Fatal(err)
	}
	posted := at + 30*24*3600e6
	message := store.ID((int64(posted)/1000 - 1420070400000) << 22)
	b := store.Batch{Names: []store.Name{{Guild: guildA, Name: "Home"}, {Guild: guildA, User: 8, Name: "Moderator"}}}
	b.Records = []store.Record{{
		Guild: guildA, User: alice, Time: posted, Source: store.SourceLive, Message: message, Channel: store.Channel{ID: 2000, Name: "staff"}, Content: "hello",
	}}
	if _, err := db.Put(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	read := func(context.Context, store.ID, store.ID) (func(store.ID) bool, error) {
		return func(channel store.ID) bool { return channel == 2000 }, nil
	}
	handler := api.New(api.Options{Store: db, Log: slog.New(slog.DiscardHandler), Reader: read}).Socket()
	c := serve(t, mcp.Options{Ask: mcp.InProcess(handler), As: alice})
	c.initialize("2025-06-18")
	for _, call := range [][2]string{
		{"search_messages", `{"query":"secret"}`}, {"search_messages", `{"query":"in:staff"}`}, {"search_messages", `{"query":"hello","channel":"staff"}`},
		{"guild_stats", `{}`}, {"top", `{}`}, {"words", `{}`}, {"user_stats", `{"user":"8"}`},
		{"messages_around", fmt.Sprintf(`{"message":"%d"}`, message)}, {"messages_around", fmt.Sprintf(`{"message":"2000-%d"}`, message)},
	} {
		if _, text, _ := c.call(call[0], call[1]); strings.Contains(text, "secret") || strings.Contains(text, begin.UTC().Format(time.DateOnly)) || strings.Contains(text, `"total_messages":6`) {
			t.Errorf("%s %s: %s", call[0], call[1], text)
		}
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, fmt.Sprintf("http://rollcall/v1/coverage?guild=%d&as=%d", guildA, alice), nil))
	var channels []struct {
		ID       string `json:"channel_id"`
		Messages int64  `json:"messages"`
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &channels); err != nil || len(channels) != 1 || channels[0].ID != "2000" || channels[0].Messages != 1 {
		t.Errorf("the coverage is %s %v", answer.Body, err)
	}
}
