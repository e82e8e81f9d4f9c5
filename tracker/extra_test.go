package tracker

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"rollcall/internal/simulator"
	"rollcall/store"
)

const plainHead = `{"id":"100","channel_id":"20","guild_id":"10","author":{"id":"30","username":"ada"},"content":"","timestamp":"2026-05-11T06:30:00.123000+00:00"`

// What cannot be read of a forward, a poll or a sticker is absent, and the message is there.
func TestDecodeExtra(t *testing.T) {
	forward := func(content string, attachments int) *store.Extra {
		return &store.Extra{Forwarded: &store.Forwarded{Content: content, Attachments: attachments}}
	}
	poll := func(question string, answers ...string) *store.Extra {
		return &store.Extra{Poll: &store.Poll{Question: question, Answers: append([]string{}, answers...)}}
	}
	tests := map[string]struct {
		fields string
		want   *store.Extra
	}{
		"nothing": {``, nil},
		"a forward": {`"message_reference":{"type":1,"message_id":"99","channel_id":"21"},"flags":16384,"attachments":[],
			"message_snapshots":[{"message":{"type":0,"content":"theirs \ud83d\ude42","attachments":[{"id":"1"},{"id":"2"}],"embeds":[],"sticker_items":[{"name":"theirs"}]}}]`,
			forward("theirs 🙂", 2)},
		"a forward, and no word of it":   {`"message_reference":{"type":1}`, forward("", 0)},
		"a snapshot alone":               {`"message_snapshots":[{"message":{"content":"theirs"}}]`, forward("theirs", 0)},
		"a snapshot of nothing":          {`"message_snapshots":[{}]`, forward("", 0)},
		"no snapshots":                   {`"message_snapshots":[]`, nil},
		"snapshots that are null":        {`"message_snapshots":null`, nil},
		"snapshots of other types":       {`"message_snapshots":{"message":{"content":"x"}}`, nil},
		"a list of other types":          {`"message_snapshots":[null,7,"x",[],{"message":{"content":"theirs"}}]`, forward("theirs", 0)},
		"a snapshot's message as a text": {`"message_snapshots":[{"message":"x"}]`, forward("", 0)},
		"a snapshot's content as a list": {`"message_snapshots":[{"message":{"content":["x"],"attachments":{"a":1}}}]`, forward("", 0)},
		"two snapshots":                  {`"message_snapshots":[{"message":{"content":"first"}},{"message":{"content":"second"}}]`, forward("first", 0)},
		"a snapshot of bad UTF-8":        {"\"message_snapshots\":[{\"message\":{\"content\":\"a\xffb\"}}]", forward("a\uFFFDb", 0)},
		"a reference of another type":    {`"message_reference":{"type":"1"}`, nil},
		"a reference that is a list":     {`"message_reference":[1]`, nil},
		"a poll": {`"poll":{"question":{"text":"Where?"},"answers":[{"answer_id":1,"poll_media":{"text":"Pizza","emoji":{"id":null,"name":"🍕"}}},{"answer_id":2,"poll_media":{"text":"火锅"}}],
			"expiry":"2026-05-12T06:30:00+00:00","allow_multiselect":false,"layout_type":1,"results":{"is_finalized":false,"answer_counts":[]}}`,
			poll("Where?", "Pizza", "火锅")},
		"an answer that is an emoji":        {`"poll":{"question":{"text":"Where?"},"answers":[{"poll_media":{"emoji":{"name":"🍕"}}},{"poll_media":{"text":"x"}}]}`, poll("Where?", "", "x")},
		"answers of other types":            {`"poll":{"question":{"text":"Where?"},"answers":[null,{"poll_media":null},{"poll_media":{"text":5}},7,{"poll_media":{"text":"x"}}]}`, poll("Where?", "", "", "x")},
		"answers that are none":             {`"poll":{"question":{"text":"Where?"},"answers":"x"}`, poll("Where?")},
		"a question of another type":        {`"poll":{"question":"Where?","answers":[{"poll_media":{"text":"x"}}]}`, poll("", "x")},
		"a poll that is null":               {`"poll":null`, nil},
		"a poll that is a list":             {`"poll":[{"question":{"text":"x"}}]`, nil},
		"a poll of nothing":                 {`"poll":{}`, nil},
		"stickers":                          {`"sticker_items":[{"id":"1","name":"Wave","format_type":1},{"id":"2","name":"开心"}]`, &store.Extra{Stickers: []string{"Wave", "开心"}}},
		"stickers of other types":           {`"sticker_items":[null,{"name":7},{"id":"1"},"x",{"name":"Wave"}]`, &store.Extra{Stickers: []string{"Wave"}}},
		"no stickers":                       {`"sticker_items":[]`, nil},
		"stickers that are none":            {`"sticker_items":{"name":"Wave"}`, nil},
		"all of it":                         {`"sticker_items":[{"name":"Wave"}],"poll":{"question":{"text":"q"}},"message_snapshots":[{"message":{"content":"theirs"}}]`, &store.Extra{Forwarded: &store.Forwarded{Content: "theirs"}, Poll: &store.Poll{Question: "q", Answers: []string{}}, Stickers: []string{"Wave"}}},
		"an activity, and nothing of these": {`"activity":{"type":3,"party_id":"x"}`, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			raw := json.RawMessage(plainHead + "," + test.fields + "}")
			if test.fields == "" {
				raw = json.RawMessage(plainHead + "}")
			}
			m, err := decodeMessage(raw)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(m.Extra, test.want) {
				t.Errorf("got  %s\nwant %s", asJSON(m.Extra), asJSON(test.want))
			}
			if m.ReplyTo != 0 || m.Attachments != 0 {
				t.Errorf("it answers %d with %d attachments", m.ReplyTo, m.Attachments)
			}
			page, err := decodePage([]byte("[" + string(raw) + "]"))
			if err != nil || len(page.messages) != 1 || !reflect.DeepEqual(page.messages[0].Extra, test.want) {
				t.Errorf("a page of it reads as %+v, %v", page, err)
			}
			record := m.record("general", store.SourceBackfill)
			if !reflect.DeepEqual(record.Extra, test.want) {
				t.Errorf("it is recorded as %s", asJSON(record.Extra))
			}
		})
	}
}

// A list that is longer than anybody's is read to a bound.
func TestDecodeExtraIsBounded(t *testing.T) {
	many := strings.Repeat(`{"name":"s","poll_media":{"text":"a"}},`, 10_000) + "null"
	m, err := decodeMessage(json.RawMessage(plainHead + `,"sticker_items":[` + many + `],"poll":{"answers":[` + many + `]}}`))
	if err != nil || len(m.Extra.Stickers) != maxElements || len(m.Extra.Poll.Answers) != maxElements {
		t.Errorf("%d stickers, %d answers, %v", len(m.Extra.Stickers), len(m.Extra.Poll.Answers), err)
	}
}

// A message's end of a poll is the system's.
func TestPollEndDoesNotCount(t *testing.T) {
	m, err := decodeMessage(json.RawMessage(plainHead + `,"type":46,"message_reference":{"type":0,"message_id":"99"},"embeds":[{"type":"poll_result"}]}`))
	if err != nil || m.counts() || m.Extra != nil || m.ReplyTo != 0 {
		t.Errorf("%+v counts: %v (%v)", m, m.counts(), err)
	}
}

func asJSON(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

func FuzzDecodeExtra(f *testing.F) {
	for _, seed := range []string{
		`{"content":"x","attachments":[{}]}`, `{"message":{"content":"theirs","attachments":[{},{}]}}`, `[{"message":{"content":"\ud800"}},null]`,
		`{"question":{"text":"q"},"answers":[{"poll_media":{"text":"a"}}]}`, `[{"name":"Wave"},{"name":1}]`, `[[[`, `[{"name":"a"},`, `{"type":1}`, `null`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		x := (&extraParts{forward: isForward(b), snapshots: b, poll: b, stickers: b}).extra()
		if x == nil {
			return
		}
		texts := x.Stickers
		if x.Poll != nil {
			texts = append(append(texts, x.Poll.Answers...), x.Poll.Question)
		}
		if x.Forwarded != nil {
			texts = append(texts, x.Forwarded.Content)
		}
		for _, text := range texts {
			if !utf8.ValidString(text) {
				t.Errorf("%q is no UTF-8", text)
			}
		}
		if len(x.Stickers) > maxElements || x.Poll != nil && len(x.Poll.Answers) > maxElements {
			t.Errorf("%d stickers, poll %+v", len(x.Stickers), x.Poll)
		}
	})
}

// Forwards, polls, stickers and voice messages are kept, whether they are heard or
// fetched, and go when they are deleted; edits tell how many attachments are left.
func TestExtraOfDiscord(t *testing.T) {
	t.Parallel()
	for source, fetched := range map[string]bool{"live": false, "history": true} {
		t.Run(source, func(t *testing.T) {
			w := newTown(t, simulator.Options{}, nil)
			if !fetched {
				w.again(w.options())
			}
			first := w.post(w.general, simulator.Draft{Author: w.ada, Content: "to be passed on", Attachments: 2})
			posted := map[string]simulator.Message{}
			for name, d := range map[string]simulator.Draft{
				"forward":         {Forward: &first},
				"deleted forward": {Forward: &first},
				"poll":            {Poll: &simulator.Poll{Question: "Where?", Answers: []string{"Pizza", "火锅"}}},
				"deleted poll":    {Poll: &simulator.Poll{Question: "When?", Answers: []string{"now"}}},
				"stickers":        {Stickers: []string{"Wave", "晚安"}},
				"voice":           {Voice: true},
				"pictures":        {Content: "look", Attachments: 3},
			} {
				d.Author = w.ada
				posted[name] = w.post(w.general, d)
			}
			w.post(w.general, simulator.Draft{Author: w.ada, Type: simulator.TypePollEnd, ReplyTo: posted["poll"]})
			if fetched {
				w.again(w.options())
				w.filled()
			}
			w.general.KeepAttachments(posted["pictures"].ID, 1)
			w.general.DeleteMessages(posted["deleted forward"].ID, posted["deleted poll"].ID)
			w.say(w.ada, "last", w.general)
			w.until("all of it is stored", func() bool {
				stored := w.stored()
				pictures := stored[store.ID(posted["pictures"].ID)]
				return len(stored) >= len(posted)+2 && pictures.Attachments == 1 && stored[store.ID(posted["deleted poll"].ID)].Redacted
			})
			w.same(w.stored(), w.expected(w.since))
			if r := w.stored()[store.ID(posted["pictures"].ID)]; r.Edited == 0 || r.Content != "look" {
				t.Errorf("the message of which pictures were taken away is %+v", r)
			}
		})
	}
}
