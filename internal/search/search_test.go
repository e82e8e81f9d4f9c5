package search_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"rollcall/internal/civil"
	"rollcall/internal/search"
)

var now = time.Date(2026, 5, 11, 22, 30, 0, 0, time.UTC)

func parse(t testing.TB, text string) *search.Query {
	t.Helper()
	q, err := search.Parse(text, time.UTC, now)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return q
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		query, text string
		spans       [][2]int // nil: no match
	}{
		{"hello", "Hello, world", [][2]int{{0, 5}}},
		{"hello", "hellos", nil},
		{"hello world", "the world says HELLO", [][2]int{{4, 9}, {15, 20}}},
		{"hello world", "hello there", nil},
		{`"hello world"`, "hello, world", [][2]int{{0, 12}}},
		{`"hello world"`, "world hello", nil},
		{`“hello world”`, "Oh hello world!", [][2]int{{3, 14}}},
		{"hel*", "hello help shell", [][2]int{{0, 5}, {6, 10}}},
		{"hel*", "shell", nil},
		{"-spam eggs", "eggs and ham", [][2]int{{0, 4}}},
		{"-spam eggs", "eggs and Spam", nil},
		{`-"green eggs" eggs`, "eggs, green", [][2]int{{0, 4}}},
		{`-"green eggs" eggs`, "green eggs", nil},
		{"cafe", "le CAFÉ", [][2]int{{3, 7}}},
		{"café", "cafe cafe\u0301", [][2]int{{0, 4}, {5, 10}}},
		{"strasse", "Große Straße", [][2]int{{6, 12}}},
		{"lodz", "Łódź", [][2]int{{0, 4}}},
		{"istanbul", "İstanbul ISTANBUL ıstanbul", [][2]int{{0, 8}, {9, 17}, {18, 26}}},
		{"οδος", "ὉΔΌΣ ὁδός", [][2]int{{0, 4}, {5, 9}}},
		{"елка", "Ёлка", [][2]int{{0, 4}}},
		{"abc", "ＡＢＣ", [][2]int{{0, 3}}},
		{"ガ", "ｶﾞ", [][2]int{{0, 2}}},
		{"か", "が", nil},
		{"が", "か\u3099", [][2]int{{0, 2}}},
		{"京", "東京都", [][2]int{{1, 2}}},
		{"東京", "今日は東京へ", [][2]int{{3, 5}}},
		{"東京", "東 京", nil},
		{`"東京 大阪"`, "東京、大阪", [][2]int{{0, 5}}},
		{"天氣", "今天天氣很好", [][2]int{{2, 4}}},
		{"วัน", "สวัสดีวันนี้", [][2]int{{6, 9}}},
		{"ສະບາຍ", "ສະບາຍດີ", [][2]int{{0, 5}}},
		{"ភាសា", "ភាសាខ្មែរ", [][2]int{{0, 4}}},
		{"မြန်", "မြန်မာ", [][2]int{{0, 4}}},
		{"안녕", "안녕 하세요", [][2]int{{0, 2}}},
		{"안녕*", "안녕하세요", [][2]int{{0, 5}}},
		{"안녕", "\u110b\u1161\u11ab\u1102\u1167\u11bc", [][2]int{{0, 6}}},
		{"python", "使用Python吧", [][2]int{{2, 8}}},
		{"node.js", "node.js or Node JS", [][2]int{{0, 7}, {11, 18}}},
		{"example", "see https://example.com/x", [][2]int{{12, 19}}},
		{"don't", "don’t", [][2]int{{0, 5}}},
		{"👍", "ok 👍🏽", [][2]int{{3, 4}}},
		{"👍🏽", "👍", nil},
		{"🇩🇪", "🇦🇩🇪🇸 🇩🇪", [][2]int{{5, 7}}},
		{"❤", "❤️", [][2]int{{0, 1}}},
		{"wave", "<a:Wave:123456789012345678> hi", [][2]int{{3, 7}}},
		{"<:wave:1>", "<:wave:123456789012345678>", [][2]int{{2, 6}}},
		{"123456789012345678", "<@123456789012345678> and <#123456789012345678>", nil},
		{"5", "a <5 b", [][2]int{{3, 4}}},
		{"hello", "he\u200bllo he\u00adllo", [][2]int{{0, 6}, {7, 13}}},
		{"note:this", "note: this", [][2]int{{0, 10}}},
		{"!! hello", "hello", [][2]int{{0, 5}}},
		{"a a*", "a ab", [][2]int{{0, 1}, {2, 4}}},
	} {
		q := parse(t, c.query)
		matched := q.Match(&search.Message{Content: c.text})
		if matched != (c.spans != nil) {
			t.Errorf("%s in %q: %v", c.query, c.text, matched)
		}
		if c.spans != nil && !reflect.DeepEqual(q.Spans(c.text), c.spans) {
			t.Errorf("%s in %q: spans %v, want %v", c.query, c.text, q.Spans(c.text), c.spans)
		}
		if sieve := q.Sieve(); c.spans != nil && sieve != nil && !sieve([]byte(c.text)) {
			t.Errorf("%s in %q: the sieve holds it back", c.query, c.text)
		}
	}
}

// A match lies in what the author wrote or in what somebody else did.
func TestForwardedApart(t *testing.T) {
	m := &search.Message{Content: "look", Others: []string{"which colour?", "blue"}, Forwarded: "old news", IsForward: true, HasPoll: true}
	for query, want := range map[string]bool{
		"look": true, "blue look": true, "colour blue": true, "news old": true, "look news": false, "-news look": false,
		"-absent look": true, "has:forward": true, "has:poll look": true, "-has:poll look": false, "has:sticker": false, "-has:sticker": true,
	} {
		if got := parse(t, query).Match(m); got != want {
			t.Errorf("%s: %v", query, got)
		}
	}
}

func TestHas(t *testing.T) {
	for query, m := range map[string]search.Message{
		"has:link":    {Content: "see https://example.org"},
		"has:FILE":    {Attachments: 1},
		"has: poll":   {HasPoll: true},
		"has:forward": {IsForward: true},
		"has:sticker": {HasSticker: true},
		"has:reply":   {IsReply: true},
	} {
		q := parse(t, query)
		if !q.Match(&m) || q.Match(&search.Message{Content: "https: //no"}) {
			t.Error(query)
		}
	}
}

func TestNames(t *testing.T) {
	q := parse(t, `from:alice -from:"Bob B" in:#general in:<#42> mentions:<@!7> FROM: carol hi`)
	want := []search.Name{{Text: "alice", Position: 1}, {Text: "Bob B", Not: true, Position: 12}, {Text: "carol", Position: 62}}
	if !reflect.DeepEqual(q.From, want) {
		t.Error(q.From)
	}
	if len(q.In) != 2 || q.In[0].Text != "general" || q.In[1].Text != "42" || len(q.Mentions) != 1 || q.Mentions[0].Text != "7" {
		t.Error(q.In, q.Mentions)
	}
	if !search.IsMentioned("hi <@!7>", 7) || !search.IsMentioned("<@7>", 7) || search.IsMentioned("<@77> 7", 7) {
		t.Error("IsMentioned")
	}
}

func TestDates(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	const first, end = "0000-01-01T00:00:00.000000Z", "10000-01-01T00:00:00.000000Z"
	for text, want := range map[string][2]string{
		"x":                                {first, end},
		"before:2026-05-11":                {first, "2026-05-10T22:00:00.000000Z"},
		"after:2026-05-11":                 {"2026-05-11T22:00:00.000000Z", end},
		"during:2026-05-11":                {"2026-05-10T22:00:00.000000Z", "2026-05-11T22:00:00.000000Z"},
		"during:today":                     {"2026-05-11T22:00:00.000000Z", "2026-05-12T22:00:00.000000Z"}, // it is past midnight there
		"during:yesterday":                 {"2026-05-10T22:00:00.000000Z", "2026-05-11T22:00:00.000000Z"},
		"during:2026-02":                   {"2026-01-31T23:00:00.000000Z", "2026-02-28T23:00:00.000000Z"},
		"during:2025":                      {"2024-12-31T23:00:00.000000Z", "2025-12-31T23:00:00.000000Z"},
		"during:2026-03-29":                {"2026-03-28T23:00:00.000000Z", "2026-03-29T22:00:00.000000Z"}, // 23 hours
		"after:2026 before:2026-05":        {"", ""},
		"after:2025-12 before:2026-02":     {"2025-12-31T23:00:00.000000Z", "2026-01-31T23:00:00.000000Z"},
		"before:2026-05-11T06:30:00Z x":    {first, "2026-05-11T06:30:00.000000Z"},
		"after:1969 before:1970-01-01 x":   {"", ""},
		"during:0001 after:0000-01-01 hey": {"0000-12-31T23:06:32.000000Z", "0001-12-31T23:06:32.000000Z"},
	} {
		q, err := search.Parse(text, berlin, now)
		if want[0] == "" {
			if err == nil {
				t.Errorf("%s: %v", text, q.When)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := [2]string{q.When.From.String(), q.When.To.String()}; got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if civil.MaxMicros+1 != parse(t, "x").When.To {
		t.Error("all time has another end")
	}
}

// What is wrong is named with its place.
func TestSyntaxErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "position 1: there is nothing to search for",
		" \t":                            "position 1: there is nothing to search for",
		"?! ... -":                       "position 1: there is nothing to search for",
		"*":                              "position 1: * stands alone",
		"é *":                            "position 3: * stands alone",
		"-*":                             "position 1: * stands alone",
		`東京 "open`:                       "position 4: the quotation is not closed",
		"has:cats":                       "position 5: has: cannot be \"cats\": want link, file, poll, forward, sticker, reply",
		"hi from:":                       "position 4: from: has no value",
		`from:""`:                        "position 6: from: cannot be",
		"during:2026-02-30":              "position 8: during: cannot be",
		"before:soon":                    "position 8: before: cannot be \"soon\": want YYYY-MM-DD",
		"-after:2026":                    "position 1: after: cannot be negated",
		"in:" + strings.Repeat("x", 201): "position 4: in: cannot be",
		strings.Repeat("a ", 51):         "position 101: the query has more than 50 parts",
		strings.Repeat("a", 1001):        "position 1: the query is 1001 bytes long: want at most 1000",
		"a\xff":                          "position 1: the query is not UTF-8",
	} {
		_, err := search.Parse(text, time.UTC, now)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}
