package simulator_test

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"rollcall/internal/simulator"
)

// TestMessages posts every kind of message and looks at what Post tells, what the gateway sends and
// what the history has.
func TestMessages(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	app := w.s.AddUser(simulator.UserSpec{Name: "dice", Bot: true})
	w.guild.SetNick(w.ada, "Countess")
	first := w.say("first")
	passed, err := w.general.Post(t.Context(), simulator.Draft{Author: w.ada, Content: "passed on", Attachments: 2})
	if err != nil {
		t.Fatal(err)
	}
	c := connect(t, w.s)
	type object = map[string]any
	for _, tt := range []struct {
		name   string
		draft  simulator.Draft
		counts bool
		is     object // what the payload must have
	}{
		{"text", simulator.Draft{Author: w.ada, Content: "hi \"there\"\n<b> & \u0000 😀"}, true,
			object{"type": 0., "content": "hi \"there\"\n<b> & \u0000 😀", "edited_timestamp": nil}},
		{"text that is not UTF-8", simulator.Draft{Author: w.ada, Content: "a\xffb"}, true, object{"content": "a\ufffdb"}},
		{"reply", simulator.Draft{Author: w.ada, Content: "yes", ReplyTo: first}, true, object{"type": 19.}},
		{"attachment without text", simulator.Draft{Author: w.ada, Attachments: 2}, true, object{"content": ""}},
		{"sticker", simulator.Draft{Author: w.ada, Stickers: []string{"Wave", "晚安"}}, true,
			object{"sticker_items.0.name": "Wave", "sticker_items.1.name": "晚安"}},
		{"forward", simulator.Draft{Author: w.ada, Forward: &passed}, true, object{"type": 0., "content": "", "flags": 16384., "message_reference.type": 1.,
			"message_reference.message_id": passed.ID.String(), "message_snapshots.0.message.content": "passed on", "referenced_message": nil}},
		{"poll", simulator.Draft{Author: w.ada, Poll: &simulator.Poll{Question: "Where?", Answers: []string{"here", "there"}}}, true,
			object{"type": 0., "content": "", "poll.question.text": "Where?", "poll.answers.1.poll_media.text": "there", "poll.results.is_finalized": false}},
		{"end of a poll", simulator.Draft{Author: w.ada, Type: simulator.TypePollEnd, ReplyTo: first}, false, object{"type": 46., "embeds.0.type": "poll_result"}},
		{"voice message", simulator.Draft{Author: w.ada, Voice: true, Attachments: 1}, true, object{"flags": 8192., "attachments.0.content_type": "audio/ogg"}},
		{"unknown components", simulator.Draft{Author: w.ada, Content: "x", Components: simulator.UnknownComponents()}, true, nil},
		{"field of an unexpected type", simulator.Draft{Author: w.ada, Content: "x", Fields: map[string]any{"flags": "many", "new": []int{1}}}, true,
			object{"flags": "many", "new": []any{1.}}},
		{"bot", simulator.Draft{Author: app, Content: "x", Embeds: 1}, false, nil},
		{"our own bot", simulator.Draft{Content: "x"}, false, nil},
		{"webhook", simulator.Draft{Webhook: "Feed", Content: "x"}, false, object{"member": nil}},
		{"pin", simulator.Draft{Author: w.ada, Type: simulator.TypePin, ReplyTo: first}, false, object{"type": 6., "referenced_message": nil}},
		{"join", simulator.Draft{Author: w.ada, Type: simulator.TypeJoin}, false, object{"type": 7.}},
		{"boost", simulator.Draft{Author: w.ada, Type: simulator.TypeBoost}, false, object{"type": 8.}},
		{"command", simulator.Draft{Author: app, Type: simulator.TypeCommand}, false, object{"type": 20.}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := w.general.Post(t.Context(), tt.draft)
			if err != nil {
				t.Fatal(err)
			}
			got := c.expectMessage(m)
			for k, v := range tt.is {
				if have := at(got, k); !reflect.DeepEqual(have, v) {
					t.Errorf("%s is %v, want %v", k, have, v)
				}
			}
			if m.Counts != tt.counts || m.Guild != w.guild.ID || m.Channel != w.general.ID || m.ChannelName != "general" || m.Time != m.ID.Time() {
				t.Errorf("Post told %+v", m)
			}
			if at, err := time.Parse(time.RFC3339, got["timestamp"].(string)); err != nil || !at.Equal(m.Time) {
				t.Errorf("the timestamp is %v, want %v", got["timestamp"], m.Time)
			}
			author := got["author"].(object)
			if author["id"] != m.Author.String() {
				t.Errorf("the author is %v, Post told %v", author, m.Author)
			}
			if tt.draft.Author == w.ada && (got["member"].(object)["nick"] != "Countess" || author["global_name"] != "Ada" || author["username"] != "ada") {
				t.Errorf("the member is %v, the author %v", got["member"], author)
			}
			if n := len(got["attachments"].([]any)); n != tt.draft.Attachments || n != m.Attachments {
				t.Errorf("%d attachments, Post told %d", n, m.Attachments)
			}
			if (got["webhook_id"] != nil) != (tt.draft.Webhook != "") {
				t.Errorf("webhook_id is %v", got["webhook_id"])
			}
			if m.Type == simulator.TypeReply {
				if m.ReplyTo != first.ID || m.ReplyToUser != w.ada.ID ||
					got["message_reference"].(object)["message_id"] != first.ID.String() || got["referenced_message"].(object)["content"] != "first" {
					t.Errorf("the reply refers to %v, Post told %+v", got["message_reference"], m)
				}
			}
			_, body, _ := get(t, w.s, "/channels/"+w.general.ID.String()+"/messages?limit=1")
			var page []object
			c.decode(body, &page)
			for _, k := range []string{"guild_id", "member", "channel_type"} { // REST leaves these out
				if _, ok := page[0][k]; ok {
					t.Errorf("the history tells %s", k)
				}
				delete(got, k)
			}
			if !reflect.DeepEqual(page[0], got) {
				t.Errorf("the history has %v, the gateway sent %v", page[0], got)
			}
		})
	}
}

// at returns what a payload has at a path of keys and places.
func at(v any, path string) any {
	for _, step := range strings.Split(path, ".") {
		switch object := v.(type) {
		case map[string]any:
			v = object[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(object) {
				return nil
			}
			v = object[i]
		default:
			return nil
		}
	}
	return v
}

func TestUnknownComponentsBreakTypedClients(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	c := connect(t, w.s)
	for name, d := range map[string]simulator.Draft{
		"component": {Author: w.ada, Content: "x", Components: simulator.UnknownComponents()},
		"field":     {Author: w.ada, Content: "x", Fields: map[string]any{"mention_roles": 7}},
	} {
		if _, err := w.general.Post(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		var typed discordgo.Message
		if err := json.Unmarshal(c.expect("MESSAGE_CREATE").D, &typed); err == nil || typed.ID != "" {
			t.Errorf("%s: discordgo reads it: %v, %q", name, err, typed.ID)
		}
	}
}

func TestDiscordgoReadsEveryObject(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	reply := simulator.Draft{Author: w.ada, Content: "x", ReplyTo: w.say("first"), Attachments: 1, Embeds: 1, Stickers: []string{"Wave"}}
	m, err := w.general.Post(t.Context(), reply)
	if err != nil {
		t.Fatal(err)
	}
	w.general.StartThreadFrom(m, simulator.ThreadSpec{Name: "thread"})
	voice := w.guild.AddChannel(simulator.ChannelSpec{Name: "voice", Kind: simulator.Voice})
	voice.SetAccess(simulator.NoHistory)
	for path, into := range map[string]any{
		"/users/@me":                                                        &discordgo.User{},
		"/guilds/" + w.guild.ID.String():                                    &discordgo.Guild{},
		"/guilds/" + w.guild.ID.String() + "/channels":                      &[]*discordgo.Channel{},
		"/guilds/" + w.guild.ID.String() + "/threads/active":                &discordgo.ThreadsList{},
		"/channels/" + w.general.ID.String():                                &discordgo.Channel{},
		"/channels/" + w.general.ID.String() + "/messages":                  &[]*discordgo.Message{},
		"/channels/" + w.general.ID.String() + "/messages/" + m.ID.String(): &discordgo.Message{},
	} {
		status, body, _ := get(t, w.s, path)
		if err := json.Unmarshal(body, into); status != 200 || err != nil {
			t.Errorf("%s: %d, %v: %s", path, status, err, body)
		}
	}
}

func TestEditsAndDeletions(t *testing.T) {
	w := newWorld(t, simulator.Options{})
	a, b, d := w.say("a"), w.say("b"), w.say("d")
	answer, err := w.general.Post(t.Context(), simulator.Draft{Author: w.ada, Content: "to a", ReplyTo: a})
	if err != nil {
		t.Fatal(err)
	}
	c := connect(t, w.s)

	w.general.Edit(b.ID, "better")
	var m struct {
		Content string
		Edited  *time.Time `json:"edited_timestamp"`
	}
	if c.decode(c.expect("MESSAGE_UPDATE").D, &m); m.Content != "better" || m.Edited == nil {
		t.Errorf("the edit was %+v", m)
	}
	w.general.DeleteMessages(a.ID)
	if f := c.expect("MESSAGE_DELETE"); !strings.Contains(string(f.D), `"id":"`+a.ID.String()+`"`) {
		t.Errorf("the deletion was %s", f.D)
	}
	w.general.DeleteMessages(a.ID, b.ID, d.ID)
	if f := c.expect("MESSAGE_DELETE_BULK"); !strings.Contains(string(f.D), `"ids":["`+b.ID.String()+`","`+d.ID.String()+`"]`) {
		t.Errorf("the deletion was %s", f.D)
	}
	w.general.Edit(a.ID, "too late")
	_, body, _ := get(t, w.s, "/channels/"+w.general.ID.String()+"/messages")
	if want := `"referenced_message":null`; !strings.Contains(string(body), want) || !strings.Contains(string(body), answer.ID.String()) {
		t.Errorf("an answer to a deleted message has no %s: %s", want, body)
	}
	if got := ids(t, w.s, w.general, ""); len(got) != 1 {
		t.Errorf("%d messages are left, want 1", len(got))
	}
	all := w.general.Messages()
	if len(all) != 4 || !all[0].Deleted || all[0].Content != "a" || !all[1].Deleted || !all[1].Edited || all[1].Content != "better" || all[3].Deleted {
		t.Errorf("the history knows %+v", all)
	}
}

func FuzzContent(f *testing.F) {
	for _, s := range []string{"", "plain", "\"\\\n\t\x00\x1f\x7f", "ü漢字😀", "\xff\xfe", "\xed\xa0\x80", "</script>\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		if err := json.Unmarshal(simulator.AppendString(nil, s), &got); err != nil {
			t.Fatalf("%q is not JSON: %v", s, err)
		}
		if want := string([]rune(s)); got != want { // one U+FFFD for each invalid byte
			t.Fatalf("%q became %q", s, got)
		}
	})
}
