package tracker

import (
	"context"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"rollcall/internal/rules"
	"rollcall/store"
)

// Guilds whose numbers say which of two shards is theirs.
const (
	guild0 = "4194304000" // even times 2^22
	guild1 = "4198498304" // odd
)

func newReceiver(t *testing.T, o rules.Options) (*receiver, *lines) {
	t.Helper()
	out := &lines{t: t}
	o.Log = out.logger()
	checked, err := rules.New(o)
	if err != nil {
		t.Fatal(err)
	}
	w := &writer{queue: newQueue()}
	b, n := &backfill{writer: w}, newNames()
	return &receiver{
		shard: 0, shards: 2, writer: w, backfill: b, hold: newHold(b, w, n, checked, out.logger()), content: newContentWatch(checked, out.logger()),
		names: n, members: newRoster(nil), access: newAccess(n, out.logger()), rules: checked, log: out.logger(),
	}, out
}

// step is an event, and the item that it brings into the queue.
type step struct {
	name, data string
	want       *item // nil: none
}

func TestReceive(t *testing.T) {
	var g0 store.ID
	if err := g0.UnmarshalText([]byte(guild0)); err != nil {
		t.Fatal(err)
	}
	const head = `{"id":"100","channel_id":"10","guild_id":"` + guild0 + `","author":{"id":"7","username":"ada"},"timestamp":"2026-05-11T06:30:00.123Z","content":"hi"`
	described := step{"GUILD_CREATE", `{"id":"` + guild0 + `","name":"Lounge","channels":[{"id":"10","name":"general"}],"threads":[{"id":"11","type":11,"parent_id":"10","name":"thread"}]}`, nil}
	cursor := func(channel, last store.ID) store.ChannelCursor {
		return store.ChannelCursor{Guild: g0, Channel: channel, Last: last}
	}
	record := func(channel store.Channel) *store.Record {
		return &store.Record{Guild: g0, User: 7, Time: someTime, Message: 100, Channel: channel, Content: "hi", Source: store.SourceLive}
	}
	names := []store.Name{{Guild: g0, User: 7, Name: "ada"}, {Guild: g0, Name: "Lounge"}}
	tests := map[string]struct {
		rules rules.Options
		steps []step
	}{
		"a message": {steps: []step{described,
			{"MESSAGE_CREATE", head + `}`, &item{record: record(store.Channel{ID: 10, Name: "general"}), cursor: cursor(10, 100), names: names}}}},
		"a message of a channel that nobody described": {steps: []step{
			{"MESSAGE_CREATE", head + `}`, &item{record: record(store.Channel{ID: 10, Name: store.UnknownChannel}), cursor: cursor(10, 100), names: names[:1]}}}},
		"... while a channel is denied": {rules: rules.Options{ChannelsDeny: []store.ID{5}}, steps: []step{
			{"MESSAGE_CREATE", head + `}`, nil}}},
		"... while it is allowed": {rules: rules.Options{ChannelsAllow: []store.ID{10}}, steps: []step{
			{"MESSAGE_CREATE", head + `}`, &item{record: record(store.Channel{ID: 10, Name: store.UnknownChannel}), cursor: cursor(10, 100), names: names[:1]}}}},
		"a bot's message moves the cursor": {steps: []step{described,
			{"MESSAGE_CREATE", head + `,"author":{"bot":true}}`, &item{cursor: cursor(10, 100), account: 7}}}},
		"a denied channel leaves no trace": {rules: rules.Options{ChannelsDeny: []store.ID{10}}, steps: []step{described,
			{"MESSAGE_CREATE", head + `}`, nil},
			{"MESSAGE_CREATE", head + `,"channel_id":"11"}`, nil}}},
		"another shard's guild": {steps: []step{
			{"GUILD_CREATE", `{"id":"` + guild1 + `","name":"Office"}`, nil},
			{"CHANNEL_CREATE", `{"id":"20","guild_id":"` + guild1 + `","name":"new"}`, nil},
			{"MESSAGE_CREATE", head + `,"guild_id":"` + guild1 + `"}`, nil}}},
		"a direct message": {steps: []step{{"MESSAGE_CREATE", `{"id":"100","channel_id":"10","author":{"id":"7"}}`, nil}}},
		"a new channel begins now": {steps: []step{
			{"CHANNEL_CREATE", `{"id":"20","guild_id":"` + guild0 + `","name":"new","last_message_id":null}`, &item{cursor: cursor(20, 20)}}}},
		"a new thread begins now": {steps: []step{described,
			{"THREAD_CREATE", `{"id":"21","guild_id":"` + guild0 + `","type":11,"parent_id":"10","name":"new"}`, &item{cursor: cursor(21, 21), parent: 10}}}},
		"a forum's post has its thread's id": {steps: []step{described,
			{"THREAD_CREATE", `{"id":"21","guild_id":"` + guild0 + `","type":11,"parent_id":"10","name":"new","last_message_id":"21"}`, &item{cursor: cursor(21, 21), parent: 10}}}},
		"a thread that the bot was added to is not new": {steps: []step{described,
			{"THREAD_CREATE", `{"id":"21","guild_id":"` + guild0 + `","type":12,"parent_id":"10","name":"old","last_message_id":"99"}`, nil}}},
		"a new thread of a denied channel": {rules: rules.Options{ChannelsDeny: []store.ID{10}}, steps: []step{described,
			{"THREAD_CREATE", `{"id":"21","guild_id":"` + guild0 + `","type":11,"parent_id":"10","name":"new"}`, nil}}},
		"names as they change": {steps: []step{described,
			{"CHANNEL_UPDATE", `{"id":"10","guild_id":"` + guild0 + `","name":"lobby"}`, nil},
			{"GUILD_UPDATE", `{"id":"` + guild0 + `","name":"Salon"}`, nil},
			{"MESSAGE_CREATE", head + `}`, &item{record: record(store.Channel{ID: 10, Name: "lobby"}), cursor: cursor(10, 100),
				names: []store.Name{names[0], {Guild: g0, Name: "Salon"}}}},
			{"CHANNEL_DELETE", `{"id":"10","guild_id":"` + guild0 + `"}`, nil},
			{"THREAD_LIST_SYNC", `{"guild_id":"` + guild0 + `","threads":[{"id":"10","type":11,"parent_id":"5","name":"synced"}]}`, nil},
			{"MESSAGE_CREATE", head + `}`, &item{record: record(store.Channel{ID: 10, Name: "synced"}), cursor: cursor(10, 100), parent: 5,
				names: []store.Name{names[0], {Guild: g0, Name: "Salon"}}}},
			{"GUILD_DELETE", `{"id":"` + guild0 + `","unavailable":true}`, nil},
			{"MESSAGE_CREATE", head + `}`, &item{record: record(store.Channel{ID: 10, Name: "synced"}), cursor: cursor(10, 100), parent: 5,
				names: []store.Name{names[0], {Guild: g0, Name: "Salon"}}}},
			{"GUILD_DELETE", `{"id":"` + guild0 + `"}`, nil},
			{"MESSAGE_CREATE", head + `}`, &item{record: record(store.Channel{ID: 10, Name: store.UnknownChannel}), cursor: cursor(10, 100), names: names[:1]}}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r, _ := newReceiver(t, test.rules)
			for i, s := range test.steps {
				if err := r.receive(t.Context(), s.name, json.RawMessage(s.data)); err != nil {
					t.Fatal(err)
				}
				var got *item
				for _, e := range r.writer.queue.take(nil, false) {
					if e.event == nil {
						e.item.received = time.Time{}
						got = &e.item
					}
				}
				if !reflect.DeepEqual(got, s.want) {
					t.Errorf("event %d, %s, brings\n%+v, want\n%+v", i, s.name, got, s.want)
				}
			}
			if n := r.rejected.Load(); n != 0 {
				t.Errorf("%d rejected", n)
			}
		})
	}
}

// The backfill is told of a guild's allowed channels and threads, before anything
// that comes after.
func TestReceiveTellsOfGuilds(t *testing.T) {
	const create = `{"id":"` + guild0 + `","channels":[{"id":"10","name":"general","last_message_id":"99"},{"id":"12","type":15,"parent_id":"9"}],
		"threads":[{"id":"11","type":11,"parent_id":"10","name":"thread"},{"id":"13","type":11,"parent_id":"12"}]`
	tests := map[string]struct {
		rules rules.Options
		data  string
		want  []channelSnapshot
	}{
		"all": {data: create + `}`, want: []channelSnapshot{
			{ID: 10, Name: "general", LastMessage: 99}, {ID: 12, Type: 15},
			{ID: 11, Type: 11, Parent: 10, Name: "thread"}, {ID: 13, Type: 11, Parent: 12},
		}},
		"a channel is denied": {rules: rules.Options{ChannelsDeny: []store.ID{12}}, data: create + `}`, want: []channelSnapshot{
			{ID: 10, Name: "general", LastMessage: 99}, {ID: 11, Type: 11, Parent: 10, Name: "thread"},
		}},
		"the guild is denied":      {rules: rules.Options{GuildsAllow: []store.ID{5}}, data: create + `}`},
		"the guild is unavailable": {data: create + `,"unavailable":true}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r, _ := newReceiver(t, test.rules)
			if err := r.receive(t.Context(), "GUILD_CREATE", json.RawMessage(test.data)); err != nil {
				t.Fatal(err)
			}
			var got []channelSnapshot
			for _, e := range r.writer.queue.take(nil, false) {
				if seen, ok := e.event.(guildSeen); ok {
					got = append(got, seen.snapshot.Channels...)
				}
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("told of %+v\nwant %+v", got, test.want)
			}
		})
	}
}

// A message for which there is no room is waited with, as long as may be.
func TestReceiveWaitsForRoom(t *testing.T) {
	r, out := newReceiver(t, rules.Options{})
	const data = `{"id":"100","channel_id":"10","guild_id":"` + guild0 + `","author":{"id":"7"},"content":"hi"}`
	for range queueLen {
		if err := r.receive(t.Context(), "MESSAGE_CREATE", json.RawMessage(data)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := r.receive(ctx, "MESSAGE_CREATE", json.RawMessage(data)); err == nil {
		t.Error("one more than there is room for was taken in")
	}
	if n := r.messages.Load(); n != queueLen || out.count("could not be taken in") != 1 {
		t.Errorf("%d were counted, want %d; told %d times", n, queueLen, out.count("could not be taken in"))
	}
}

func TestSeldom(t *testing.T) {
	var s logLimiter
	now := time.Now()
	for i, want := range []struct {
		after time.Duration
		n     int64
		ok    bool
	}{{0, 1, true}, {0, 0, false}, {59 * time.Second, 0, false}, {time.Second, 3, true}, {time.Hour, 1, true}} {
		now = now.Add(want.after)
		if n, ok := s.due(now); n != want.n || ok != want.ok {
			t.Errorf("%d: %d %v, want %d %v", i, n, ok, want.n, want.ok)
		}
	}
}
