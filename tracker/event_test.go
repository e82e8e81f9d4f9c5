package tracker

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"rollcall/internal/rules"
	"rollcall/store"
)

const someTime = store.Micros(1778481000_123000) // 2026-05-11T06:30:00.123Z

func TestDecodeMessage(t *testing.T) {
	plain := message{
		ID: 100, ChannelID: 20, GuildID: 10, Author: author{ID: 30, Username: "ada"},
		Content: "hi", Timestamp: someTime,
	}
	with := func(change func(m *message)) message {
		m := plain
		change(&m)
		return m
	}
	const head = `{"id":"100","channel_id":"20","guild_id":"10","author":{"id":"30","username":"ada"},"content":"hi","timestamp":"2026-05-11T06:30:00.123000+00:00"`
	tests := map[string]struct {
		raw  string
		want message
		bad  bool
	}{
		"plain":         {raw: head + `}`, want: plain},
		"of a history":  {raw: strings.Replace(head, `"guild_id":"10",`, "", 1) + `}`, want: with(func(m *message) { m.GuildID = 0 })},
		"direct":        {raw: strings.Replace(head, `"guild_id":"10"`, `"guild_id":null`, 1) + `}`, want: with(func(m *message) { m.GuildID = 0 })},
		"a later field": {raw: head + `,"content":"ho"}`, want: with(func(m *message) { m.Content = "ho" })},
		"names": {
			raw:  head + `,"author":{"id":"30","username":"ada","global_name":"Ada"},"member":{"nick":"Countess"}}`,
			want: with(func(m *message) { m.Author.GlobalName, m.Nick = "Ada", "Countess" }),
		},
		"names of other types": {
			raw:  head + `,"author":{"id":"30","username":7,"global_name":[]},"member":{"nick":{}}}`,
			want: with(func(m *message) { m.Author.Username = "" }),
		},
		"a webhook": {raw: head + `,"webhook_id":"9"}`, want: with(func(m *message) { m.WebhookID = 9 })},
		"a bot":     {raw: head + `,"author":{"bot":true}}`, want: with(func(m *message) { m.Author.Bot = true })},
		"a reply": {
			raw:  head + `,"type":19,"message_reference":{"message_id":"99"},"referenced_message":{"author":{"id":"31"}}}`,
			want: with(func(m *message) { m.Type, m.ReplyTo, m.ReplyToUser = 19, 99, 31 }),
		},
		"a reply to what is gone": {
			raw:  head + `,"type":19,"message_reference":{"message_id":"99"},"referenced_message":null}`,
			want: with(func(m *message) { m.Type, m.ReplyTo = 19, 99 }),
		},
		"a reply of other types": {
			raw:  head + `,"type":19,"message_reference":"99","referenced_message":[1]}`,
			want: with(func(m *message) { m.Type = 19 }),
		},
		"a forwarded message is no reply": {
			raw:  head + `,"message_reference":{"type":1,"message_id":"99"}}`,
			want: with(func(m *message) { m.Extra = &store.Extra{Forwarded: &store.Forwarded{}} }),
		},
		"nor one that says so": {
			raw:  head + `,"type":19,"message_reference":{"type":1,"message_id":"99"},"referenced_message":{"author":{"id":"31"}}}`,
			want: with(func(m *message) { m.Type, m.Extra = 19, &store.Extra{Forwarded: &store.Forwarded{}} }),
		},
		"attachments": {
			raw:  head + `,"attachments":[{"id":"1"},null,{"size":"large"}]}`,
			want: with(func(m *message) { m.Attachments, m.HasAttachments = 3, true }),
		},
		"no attachments":             {raw: head + `,"attachments":[]}`, want: with(func(m *message) { m.HasAttachments = true })},
		"attachments of other types": {raw: head + `,"attachments":{"a":1}}`, want: plain},
		"components nobody knows":    {raw: head + `,"components":[{"type":99,"x":[1,{}]}],"embeds":5,"mentions":{}}`, want: plain},
		"no timestamp":               {raw: strings.Replace(head, `,"timestamp":"2026-05-11T06:30:00.123000+00:00"`, "", 1) + `}`, want: with(func(m *message) { m.Timestamp = discordEpoch * 1000 })},
		"a timestamp of nonsense":    {raw: head + `,"timestamp":12}`, want: with(func(m *message) { m.Timestamp = discordEpoch * 1000 })},
		"content null":               {raw: strings.Replace(head, `"hi"`, `null`, 1) + `}`, want: with(func(m *message) { m.Content, m.Blank, m.Mute = "", true, true })},
		"content of bad UTF-8":       {raw: strings.Replace(head, `hi`, "a\xffb", 1) + `}`, want: with(func(m *message) { m.Content = "a\uFFFDb" })},
		"a lone surrogate":           {raw: strings.Replace(head, `hi`, `a\ud800b`, 1) + `}`, want: with(func(m *message) { m.Content = "a\uFFFDb" })},
		"NUL":                        {raw: strings.Replace(head, `hi`, `a\u0000b`, 1) + `}`, want: with(func(m *message) { m.Content = "a\x00b" })},
		"the largest id":             {raw: head + `,"id":"9223372036854775807"}`, want: with(func(m *message) { m.ID = 1<<63 - 1 })},

		"an id too large":     {raw: head + `,"id":"9223372036854775808"}`, bad: true},
		"an id of 0":          {raw: head + `,"id":"0"}`, bad: true},
		"an id with a sign":   {raw: head + `,"id":"+1"}`, bad: true},
		"an id as a number":   {raw: head + `,"id":100}`, bad: true},
		"no channel":          {raw: strings.Replace(head, `"channel_id":"20",`, "", 1) + `}`, bad: true},
		"content as a number": {raw: head + `,"content":5}`, bad: true},
		"type as a text":      {raw: head + `,"type":"0"}`, bad: true},
		"null":                {raw: `null`, bad: true},
		"a list":              {raw: `[]`, bad: true},
		"nothing":             {raw: ``, bad: true},
		"something after it":  {raw: head + `}{}`, bad: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := decodeMessage(json.RawMessage(test.raw))
			if (err != nil) != test.bad {
				t.Fatalf("error %v, want one: %v", err, test.bad)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

func TestMessageCounts(t *testing.T) {
	person := message{ID: 1, ChannelID: 2, GuildID: 3, Author: author{ID: 4}}
	all, err := rules.New(rules.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		change    func(m *message)
		want      bool
		uncounted bool // it takes its log line
	}{
		"a person's":              {change: func(m *message) {}, want: true},
		"a reply":                 {change: func(m *message) { m.Type = typeReply }, want: true},
		"empty":                   {change: func(m *message) { m.Content = "" }, want: true},
		"of a deleted account":    {change: func(m *message) { m.Author.ID = store.DeletedUser }, want: true},
		"direct":                  {change: func(m *message) { m.GuildID = 0 }},
		"a bot's":                 {change: func(m *message) { m.Author.Bot = true }},
		"a webhook's":             {change: func(m *message) { m.WebhookID = 5 }},
		"Discord's own":           {change: func(m *message) { m.Author.System = true }},
		"nobody's":                {change: func(m *message) { m.Author.ID = 0 }},
		"a join":                  {change: func(m *message) { m.Type = 7 }, uncounted: true},
		"a slash command's":       {change: func(m *message) { m.Type, m.Author.Bot = 20, true }},
		"a thread's starter":      {change: func(m *message) { m.Type = 21 }, uncounted: true},
		"a poll's end":            {change: func(m *message) { m.Type = 46 }, uncounted: true},
		"a deleted account's pin": {change: func(m *message) { m.Type, m.Author.ID = 6, store.DeletedUser }},
		"a direct call":           {change: func(m *message) { m.Type, m.GuildID = 3, 0 }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := person
			test.change(&m)
			if got := m.counts(); got != test.want {
				t.Errorf("counts = %v", got)
			}
			if got := m.uncounted(all, "general", store.SourceLive) != nil; got != test.uncounted {
				t.Errorf("it takes its line: %v", got)
			}
		})
	}
}

func TestDisplayName(t *testing.T) {
	for want, m := range map[string]message{
		"nick":   {Nick: "nick", Author: author{GlobalName: "global", Username: "user"}},
		"global": {Author: author{GlobalName: "global", Username: "user"}},
		"user":   {Author: author{Username: "user"}},
		"":       {},
	} {
		if got := m.displayName(); got != want {
			t.Errorf("%+v is called %q, want %q", m, got, want)
		}
	}
}

func TestDecodeGuild(t *testing.T) {
	raw := `{"id":"10","name":"` + strings.Repeat("ß", 300) + `","channels":[
		{"id":"20","type":0,"name":"general","parent_id":"5","last_message_id":"99"},
		{"id":"21","type":0,"name":7,"last_message_id":null},
		null, 7, {"name":"no id"}, {"id":"x"},
		{"id":"22","type":15,"name":"forum","last_message_id":"nonsense"}],
		"threads":[{"id":"30","type":11,"name":"a thread","parent_id":"20","thread_metadata":{"archived":true}},
		{"id":"31","type":12,"name":"","parent_id":"20","thread_metadata":5}],
		"members":[null],"voice_states":7,"roles":"x"}`
	got, err := decodeGuild(json.RawMessage(raw))
	if err != nil {
		t.Fatal(err)
	}
	want := guild{
		ID: 10, Name: strings.Repeat("ß", maxName/2),
		Channels: []channel{{ID: 20, Name: "general", Last: 99}, {ID: 21}, {ID: 22, Type: 15, Name: "forum"}},
		Threads:  []channel{{ID: 30, Type: 11, Name: "a thread", Parent: 20, Archived: true}, {ID: 31, Type: 12, Parent: 20}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for _, bad := range []string{`null`, `[]`, `{}`, `{"id":0}`, `{"id":"0"}`, ``, `{"id":"1"`} {
		if g, err := decodeGuild(json.RawMessage(bad)); err == nil {
			t.Errorf("%s is taken for %+v", bad, g)
		}
	}
}

// Whatever Discord sends: no panic, and what is decoded keeps its promises.
func FuzzDecodeEvent(f *testing.F) {
	for _, seed := range []string{
		`{"id":"100","channel_id":"20","guild_id":"10","author":{"id":"30","username":"ada","bot":false},"member":{"nick":"A"},"type":19,"content":"hi \ud800","timestamp":"2026-05-11T06:30:00.123000+00:00","attachments":[{}],"message_reference":{"message_id":"9"},"referenced_message":{"author":{"id":"1"}}}`,
		`{"id":"10","name":"g","unavailable":false,"channels":[{"id":"20","type":0,"name":"c","last_message_id":"9"},null],"threads":[{"id":"30","type":11,"parent_id":"20","thread_metadata":{"archived":true}}]}`,
		`{"guild_id":"10","threads":[{"id":"30","type":11}],"has_more":true}`,
		`{"id":"20","guild_id":"10","type":11,"name":"\u0000","parent_id":"19","last_message_id":7}`,
		`{"session_id":"s","guilds":[{"id":"1","unavailable":true},{"id":"2"}],"user":{"id":"3"}}`,
		`{"guild_id":"10","role":{"id":"11","permissions":"1024"}}`, `{"guild_id":"10","role_id":"11"}`,
		`{"guild_id":"10","user":{"id":"3"},"roles":["11","12"]}`,
		`{"id":"10","owner_id":"1","roles":[{"id":"10","permissions":"1024"}],"members":[{"user":{"id":"3"},"roles":[]}],"channels":[{"id":"20","flags":131072,"name":"___hidden___","last_message_id":"9","permission_overwrites":[{"id":"10","type":0,"allow":"0","deny":"1024"}]}]}`,
		`{"guild_id":"10","channel_ids":["20",7],"threads":[]}`,
		`{"id":"20","ids":["1","2",3],"channel_id":"19","guild_id":"10"}`,
		`{"id":"20","channel_id":"19","guild_id":"10","content":"new","edited_timestamp":"2026-05-11T06:30:00.123000+00:00"}`,
		`null`, `[]`, `{"id":"9223372036854775808","channel_id":"1"}`, "{\"id\":\"1\",\"channel_id\":\"1\",\"content\":\"\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if m, err := decodeMessage(raw); err == nil {
			if m.ID == 0 || m.ID > 1<<63-1 || m.ChannelID == 0 {
				t.Errorf("ids of %+v", m)
			}
			if !utf8.ValidString(m.Content) || !utf8.ValidString(m.displayName()) || len(m.displayName()) > maxName || m.Attachments < 0 {
				t.Errorf("text of %+v", m)
			}
			if m.counts() && (m.GuildID == 0 || m.Author.ID == 0) {
				t.Errorf("%+v counts", m)
			}
		}
		if c, err := decodeChannel(raw); err == nil && (c.Hidden && (c.Name != "" || c.Last != 0 || c.Overwrites != nil) || c.ID == 0 || !utf8.ValidString(c.Name) || len(c.Name) > maxName) {
			t.Errorf("channel %+v", c)
		}
		if g, err := decodeGuild(raw); err == nil {
			for _, c := range append(g.Channels, g.Threads...) {
				if c.ID == 0 {
					t.Errorf("guild %+v", g)
				}
			}
		}
		if guilds, ok := decodeReady(raw); ok && slices.Contains(guilds, 0) {
			t.Errorf("READY with %v", guilds)
		}
		if r, err := decodeRole(raw); err == nil && (r.GuildID == 0 || r.Role.ID == 0) {
			t.Errorf("role %+v", r)
		}
		if m, err := decodeMember(raw); err == nil && (m.User == 0 || m.Roles == nil || slices.Contains(m.Roles, 0)) {
			t.Errorf("member %+v", m)
		}
		if d, err := decodeDeletion(raw); err == nil && (len(d.Messages) == 0 || slices.Contains(d.Messages, 0) || slices.Max(d.Messages) > 1<<63-1) {
			t.Errorf("deletion %+v", d)
		}
		if l, err := decodeThreadList(raw); err == nil && !json.Valid(raw) {
			t.Errorf("threads %+v of no JSON", l)
		}
	})
}
