package dce_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"rollcall/internal/importer/archive"
	"rollcall/internal/importer/corpus"
	"rollcall/internal/importer/dce"
	"rollcall/store"
)

// taken is what a sink was given.
type taken struct {
	messages  []archive.Message
	malformed []string
}

func (k *taken) Message(m *archive.Message) error { k.messages = append(k.messages, *m); return nil }
func (k *taken) Name(archive.Name) error          { return nil }
func (k *taken) Malformed(why string) error       { k.malformed = append(k.malformed, why); return nil }
func (k *taken) At(int64, int64)                  {}

func read(t *testing.T, r io.Reader, size int) (taken, archive.Result) {
	t.Helper()
	e, err := dce.Open(r, int64(size))
	if err != nil {
		t.Fatal(err)
	}
	var k taken
	result, err := e.Read(t.Context(), &k)
	if err != nil {
		t.Fatal(err)
	}
	return k, result
}

var versions = []float64{2.18, 2.20, 2.22, 2.25, 2.26, 2.27, 2.33, 2.38, 2.40, 2.41, 2.44, 2.46, 2.47}

// world has a message of each sort.
func world() corpus.Channel {
	at := time.Date(2026, 3, 1, 10, 0, 0, 123e6, time.UTC)
	id := func(n int) uint64 { return corpus.IDAt(at.Add(time.Duration(n)*time.Second), uint64(n)) }
	return corpus.Channel{
		Guild: "910101010101010101", GuildName: "Harbour: Town / 港", ID: "700000000000000001", Name: "general", Type: "GuildTextChat", Category: "Town", CategoryID: "700000000000000100",
		Messages: []corpus.Message{
			{ID: id(0), User: 5, Name: "mara", Nick: "Mara Q", Content: "näher 港 😀 \"quoted\" \\ <b>\n\r\t\x01"},
			{ID: id(1), User: 6, Name: "otto", Content: "<@5> look <:boat:800000000000000000>", Seen: "@mara look :boat:", Mentions: []string{"mara"}, Emoji: []string{"boat"}},
			{ID: id(2), User: 5, Name: "mara", Nick: "Mara Q", Type: 19, ReplyTo: id(1), Content: "yes", Edited: at.Add(time.Hour + 1500*time.Microsecond)},
			{ID: id(3), User: 7, Name: "bot", Bot: true, Content: "beep"},
			{ID: id(4), User: 6, Name: "otto", Type: 7, Content: "Joined the server."},
			{ID: id(5), User: 6, Name: "otto", Type: 46, Content: ""},
			{ID: id(6), User: 6, Name: "otto", Attachments: 2, Stickers: []string{"wave", "ahoy"}},
			{ID: id(7), User: 6, Name: "otto", Forwarded: "somebody else's words"},
		},
	}
}

// want is what is to come out of the world, by version and settings.
func want(d corpus.DCE) (messages []archive.Message) {
	for i, m := range world().Messages {
		w := archive.Message{
			ID: store.ID(m.ID), Guild: 910101010101010101, GuildName: "Harbour: Town / 港", Channel: archive.Channel{ID: 700000000000000001, Name: "general"},
			User: store.ID(m.User), Time: store.MicrosOf(m.At()),
		}
		switch i {
		case 3:
			w.Skip = archive.Bot
		case 4, 5:
			w.Skip = archive.System
		default:
			w.UserName, w.Content, w.Attachments = m.Name, m.Content, m.Attachments
			if m.Nick != "" && d.Version >= 2.27 {
				w.UserName = m.Nick
			}
			if m.Seen != "" && !(d.Raw && d.Version >= 2.38) {
				w.Content, w.Formatted = m.Seen, d.Version >= 2.25
			}
			if !m.Edited.IsZero() {
				w.Edited = store.MicrosOf(m.Edited)
			}
			if m.ReplyTo != 0 && d.Version >= 2.26 {
				w.ReplyTo = store.ID(m.ReplyTo)
				if !d.Reverse {
					w.ReplyToUser = 6
				}
			}
			if d.Version >= 2.33 {
				w.Stickers = m.Stickers
			}
			if m.Forwarded != "" && d.Version >= 2.47 {
				w.Forwarded = &archive.Forward{Content: m.Forwarded, Attachments: 1}
			}
		}
		if d.Reverse {
			messages = append([]archive.Message{w}, messages...)
		} else {
			messages = append(messages, w)
		}
	}
	return messages
}

func TestEveryVersion(t *testing.T) {
	for _, version := range versions {
		for _, d := range []corpus.DCE{{}, {Raw: true}, {CRLF: true}, {Reverse: true}, {Zone: time.FixedZone("", -(3*3600 + 1800))}} {
			d.Version, d.Exported = version, time.Date(2026, 4, 1, 0, 0, 0, 1234567e2, time.UTC)
			if d.Reverse && version < 2.47 || d.Zone != nil && version < 2.41 || d.Raw && version < 2.38 {
				continue
			}
			t.Run(fmt.Sprintf("%.2f %+v", version, d), func(t *testing.T) {
				text := export(t, d, world())
				if !dce.Sniff(string(text[:min(len(text), dce.SniffSize)])) {
					t.Error("it is not recognised")
				}
				k, result := read(t, bytes.NewReader(text), len(text))
				if result.Incomplete || len(k.malformed) > 0 {
					t.Errorf("incomplete: %v, malformed: %q", result.Incomplete, k.malformed)
				}
				compare(t, k.messages, want(d))
			})
		}
	}
}

func compare(t *testing.T, got, want []archive.Message) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Errorf("message %d is missing: %+v", i, want[i])
		case i >= len(want):
			t.Errorf("message %d is too many: %+v", i, got[i])
		case !reflect.DeepEqual(got[i], want[i]):
			t.Errorf("message %d is\n%+v, want\n%+v", i, got[i], want[i])
		}
	}
}

// Wherever a file breaks off, what was whole before is read, and nothing else.
func TestTornAnywhere(t *testing.T) {
	text := export(t, corpus.DCE{Version: 2.47, Exported: time.Unix(1, 0)}, world())
	whole, _ := read(t, bytes.NewReader(text), len(text))
	last := 0
	for n := 0; n < len(text)-1; n += 7 { // every place of a token is hit in one message or another
		e, err := dce.Open(bytes.NewReader(text[:n]), int64(n))
		if err != nil {
			if strings.Contains(string(text[:n]), `"dateRange"`) {
				t.Fatalf("%d bytes: %v", n, err)
			}
			continue
		}
		var k taken
		result, err := e.Read(t.Context(), &k)
		if err != nil || !result.Incomplete || len(k.malformed) > 0 {
			t.Fatalf("%d bytes: %+v, %v, %q", n, result, err, k.malformed)
		}
		if len(k.messages) < last || len(k.messages) > last+1 {
			t.Fatalf("%d bytes: %d messages after %d", n, len(k.messages), last)
		}
		last = len(k.messages)
		compare(t, k.messages, whole.messages[:last])
	}
	if last < len(whole.messages)-1 {
		t.Errorf("%d messages before the end, want %d", last, len(whole.messages))
	}
}

func head(guild, channel string) string {
	return `{"guild":` + guild + `,"channel":` + channel + `,"dateRange":{"after":null,"before":null},"messages":[`
}

const (
	town  = `{"id":"1","name":"Town"}`
	chat  = `{"id":"2","type":"GuildTextChat","name":"chat"}`
	first = `"id":"738908857958400000","author":{"id":"5","name":"mara"}`
)

func TestOddFiles(t *testing.T) {
	tests := map[string]struct {
		text      string
		want      []archive.Message
		malformed int
		torn      bool
	}{
		"an id as a number": {text: head(`{"id":1,"name":"Town"}`, chat) + `{"id":738908857958400000,"type":0,"author":{"id":5,"name":"mara"},"content":"hi"}]}`,
			want: []archive.Message{{Content: "hi", UserName: "mara"}}},
		"ids as floats":             {text: head(town, chat) + `{"id":7.389088579584e17,"author":{"id":"5"}},{` + first + `}]}`, malformed: 1, want: []archive.Message{{UserName: "mara"}}},
		"an author as a float":      {text: head(town, chat) + `{"id":"738908857958400000","author":{"id":5.0}}]}`, malformed: 1},
		"no author":                 {text: head(town, chat) + `{"id":"738908857958400000"}]}`, malformed: 1},
		"what is no message":        {text: head(town, chat) + `7,null,"x",[],{` + first + `}]}`, malformed: 4, want: []archive.Message{{UserName: "mara"}}},
		"fields of other types":     {text: head(town, chat) + `{` + first + `,"content":5,"attachments":{},"stickers":null,"mentions":7,"reference":[],"timestamp":1,"timestampEdited":false,"inlineEmojis":"x"}]}`, want: []archive.Message{{UserName: "mara"}}},
		"a time that the id denies": {text: head(town, chat) + `{` + first + `,"timestamp":"2020-08-01T00:00:02+00:00"}]}`, want: []archive.Message{{UserName: "mara"}}},
		"direct messages":           {text: head(`{"id":"0","name":"Direct Messages"}`, `{"id":"2","type":"DirectTextChat","name":"x"}`) + `{` + first + `}]}`, want: []archive.Message{{Skip: archive.DirectMessage}}},
		"old direct messages":       {text: head(`{"id":"@me","name":"Direct Messages"}`, `{"id":"2","type":"1","name":"x"}`) + `{` + first + `}]}`, want: []archive.Message{{Skip: archive.DirectMessage}}},
		"a guild without an id":     {text: head(`{"name":"Town"}`, chat) + `{` + first + `}]}`, want: []archive.Message{{Skip: archive.NoGuild}}},
		"a byte order mark":         {text: "\ufeff" + head(town, chat) + `{` + first + `}]}`, want: []archive.Message{{UserName: "mara"}}},
		"it goes on as no JSON":     {text: head(town, chat) + `{` + first + `},{"id":"7" oops "x"}]}`, want: []archive.Message{{UserName: "mara"}}, torn: true},
		"a reply that forwards":     {text: head(town, chat) + `{` + first + `,"type":"Reply","reference":{"type":"Forward","messageId":"9"}}]}`, want: []archive.Message{{UserName: "mara"}}},
		"a large message":           {text: head(town, chat) + `{` + first + `,"content":"` + strings.Repeat("x", 9<<20) + `"}]}`, want: []archive.Message{{UserName: "mara", Content: strings.Repeat("x", 9<<20)}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			k, result := read(t, strings.NewReader(test.text), len(test.text))
			if result.Incomplete != test.torn || len(k.malformed) != test.malformed || len(k.messages) != len(test.want) {
				t.Fatalf("incomplete: %v, malformed: %q, %d messages", result.Incomplete, k.malformed, len(k.messages))
			}
			for i, w := range test.want {
				m := k.messages[i]
				if m.ID != 738908857958400000 || m.Time != archive.TimeOf(m.ID) || m.Skip != w.Skip || m.Content != w.Content || m.UserName != w.UserName || m.ReplyTo != 0 || m.Channel.ID != 2 {
					t.Errorf("message %d is %.300v", i, fmt.Sprintf("%+v", m))
				}
			}
		})
	}
}

func TestThreadsHaveParents(t *testing.T) {
	for kind, thread := range map[string]bool{"GuildPublicThread": true, "11": true, "GuildNewsThread": true, "GuildForum": false, "16": false, "GuildTextChat": false} {
		text := head(town, `{"id":"7","type":"`+kind+`","categoryId":"2","category":"chat","name":"boats"}`) + `]}`
		e, err := dce.Open(strings.NewReader(text), int64(len(text)))
		if err != nil {
			t.Fatal(err)
		}
		if e.Channel.Thread != thread || (e.Channel.Parent == 2) != thread {
			t.Errorf("%s: %+v", kind, e.Channel)
		}
	}
}

func TestNoExport(t *testing.T) {
	for _, text := range []string{``, `{}`, `[]`, `{"guild":{"id":"1"}}`, `{"messages":[]}`, `{"guild":{},"channel":{"id":"2"},"messages":[]}`, `{"guild":` + town, `{"guild":7,"channel":7,"messages":[]}`} {
		if _, err := dce.Open(strings.NewReader(text), 0); err == nil {
			t.Errorf("%q is an export", text)
		}
	}
}

func TestCancel(t *testing.T) {
	text := export(t, corpus.DCE{Version: 2.47}, corpus.Chatter(1, 5000))
	e, err := dce.Open(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var k taken
	if _, err := e.Read(ctx, &k); err != context.Canceled || len(k.messages) > 0 {
		t.Errorf("%d messages, %v", len(k.messages), err)
	}
}

// What is read does not depend on how the bytes come, and nothing makes it stop the program.
func FuzzRead(f *testing.F) {
	f.Add(export(f, corpus.DCE{Version: 2.47}, world()))
	f.Add(export(f, corpus.DCE{Version: 2.18, CRLF: true}, world()))
	f.Add([]byte(head(town, chat) + `{` + first + `},7,{]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var all [2]taken
		var results [2]archive.Result
		for i, r := range []io.Reader{bytes.NewReader(text), iotest.OneByteReader(bytes.NewReader(text))} {
			e, err := dce.Open(r, int64(len(text)))
			if err != nil {
				return
			}
			if results[i], err = e.Read(t.Context(), &all[i]); err != nil {
				t.Fatal(err)
			}
		}
		if !reflect.DeepEqual(all[0], all[1]) || !reflect.DeepEqual(results[0], results[1]) {
			t.Errorf("%+v, %+v\n%+v, %+v", all[0], results[0], all[1], results[1])
		}
		for _, m := range all[0].messages {
			if m.ID == 0 || m.ID > archive.MaxMessageID || m.Skip == "" && (m.User == 0 || m.Guild == 0) {
				t.Errorf("handed out: %+v", m)
			}
		}
	})
}
