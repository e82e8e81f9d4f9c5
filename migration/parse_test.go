package migration

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"rollcall/store"
)

const (
	aGuild = "111111111111111111"
	aUser  = "222222222222222222"
	usual  = `{"timestamp":"2026-05-11T06:30:00.123456Z","level":"INFO","source":"server","server_id":"111111111111111111","channel_or_file":"general","user_id":"222222222222222222","action":"receive_message","message":"hi","trace_id":null,"extra":{"server_id":"111111111111111111"}}`
)

// with returns the usual line with one piece of it replaced.
func with(old, new string) string {
	if !strings.Contains(usual, old) {
		panic("not in the usual line: " + old)
	}
	return strings.Replace(usual, old, new, 1)
}

func TestParseMessages(t *testing.T) {
	at, err := store.ParseMicros("2026-05-11T06:30:00.123456Z")
	if err != nil {
		t.Fatal(err)
	}
	type change func(*store.Record)
	same := func(*store.Record) {}
	content := func(s string) change { return func(r *store.Record) { r.Content = s } }
	channel := func(s string) change { return func(r *store.Record) { r.Channel.Name = s } }
	guild := func(id store.ID) change { return func(r *store.Record) { r.Guild = id } }
	tests := []struct {
		name, line string
		want       change
	}{
		{"usual", usual, same},
		{"white space of JSON around and between", " \t" + strings.NewReplacer(`":`, "\" :\r ", `,"`, " ,\t\"").Replace(usual) + " \r", same},
		{"another order", `{"message":"hi","extra":{"server_id":"` + aGuild + `"},"action":"receive_message","user_id":"` + aUser + `","channel_or_file":"general","timestamp":"2026-05-11T06:30:00.123456Z"}`, same},
		{"bare words of Python", with(`"level"`, `"x":NaN,"y":[-Infinity,Infinity],"level"`), same},
		{"bare words in extra", with(`"extra":{`, `"extra":{"score":NaN,`), same},
		{"bare words behind the usual part", with(`}}`, `,"a":-Infinity}}`), same},
		{"unknown keys", with(`"level"`, `"x":[1,-2.5e+3,{"a":[]},true,false,null,"\n"],"level"`), same},
		{"escaped key", with(`"action"`, `"\u0061ct\u0069on"`), same},
		{"escaped id", with(aUser, `\u003222222222222222222`), same},
		{"keys are case-sensitive", with(`"message":"hi"`, `"message":"hi","Message":"no","USER_ID":"no"`), same},
		{"last of duplicates wins", with(`"message":"hi"`, `"message":"no","message":"hi"`), same},
		{"last of duplicates wins behind the usual part", with(`"extra"`, `"message":"later","extra"`), content("later")},
		{"no extra, duplicate", with(`"extra"`, `"extra":{"server_id":"5"},"extra"`), same},
		{"last extra counts whole", with(`}}`, `},"extra":{"a":1}}`), same},
		{"last extra server_id", with(`"extra":{`, `"extra":{"server_id":"5",`), same},
		{"server_id deeper in extra does not count", with(`"extra":{`, `"extra":{"a":{"server_id":"5"},`), same},
		{"trust the record", with(`"extra":{"server_id":"111111111111111111"}`, `"extra":{"server_id":"5"}`), guild(5)},
		{"extra without id", with(`"extra":{"server_id":"111111111111111111"}`, `"extra":{}`), same},
		{"extra with a bad id", with(`"extra":{"server_id":"111111111111111111"}`, `"extra":{"server_id":"x"}`), same},
		{"extra with a number", with(`"extra":{"server_id":"111111111111111111"}`, `"extra":{"server_id":5}`), same},
		{"extra null", with(`"extra":{"server_id":"111111111111111111"}`, `"extra":null`), same},
		{"extra of another type", with(`"extra":{"server_id":"111111111111111111"}`, `"extra":[{"server_id":"5"}]`), same},
		{"extra absent", with(`,"extra":{"server_id":"111111111111111111"}`, ``), same},
		{"guild of the folder", strings.ReplaceAll(usual, aGuild, "My Guild"), guild(777)},
		{"server_id a number", strings.Replace(with(`"server_id":"111111111111111111","ch`, `"server_id":1,"ch`), `{"server_id":"111111111111111111"}`, `{}`, 1), guild(777)},
		{"offset", with(`06:30:00.123456Z`, `14:30:00.123456+08:00`), same},
		{"finer than a microsecond", with(`.123456Z`, `.123456999Z`), same},
		{"channel empty", with(`"general"`, `""`), channel("unknown")},
		{"channel null", with(`"general"`, `null`), channel("unknown")},
		{"channel absent", with(`"channel_or_file":"general",`, ``), channel("unknown")},
		{"channel a number", with(`"general"`, `7`), channel("unknown")},
		{"channel an object", with(`"general"`, `{"a":"b"}`), channel("unknown")},
		{"channel in Chinese", with(`general`, `一般聊天`), channel("一般聊天")},
		{"message empty", with(`"hi"`, `""`), content("")},
		{"message null", with(`"hi"`, `null`), content("")},
		{"message absent", with(`"message":"hi",`, ``), content("")},
		{"escapes", with(`"hi"`, `"\"\\\/\b\f\n\r\té\u00E9"`), content("\"\\/\b\f\n\r\téé")},
		{"surrogate pair", with(`"hi"`, `"\ud83d\ude00"`), content("😀")},
		{"lone surrogates", with(`"hi"`, `"a\ud83d b\ude00c\ud83d\ud83d\ude00\ud83d\n"`), content("a\ufffd b\ufffdc\ufffd😀\ufffd\n")},
		{"lone surrogate at the end", with(`"hi"`, `"\ud83d"`), content("\ufffd")},
		{"NUL", with(`"hi"`, `"a\u0000b"`), content("a\x00b")},
		{"DEL and C1 controls", with(`"hi"`, "\"\x7f\u0085\""), content("\x7f\u0085")},
		{"invalid bytes", with(`"hi"`, "\"\xff\xe4\xbd\xed\xa0\xbd\xc3\""), content(strings.Repeat("\ufffd", 7))},
		{"invalid bytes in the channel", with(`"general"`, "\"g\xff\""), channel("g\ufffd")},
		{"largest user id", with(aUser, "18446744073709551615"), func(r *store.Record) { r.User = 18446744073709551615 }},
		{"leading zeros", with(aUser, "00000000000000000007"), func(r *store.Record) { r.User = 7 }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			want := store.Record{Guild: 111111111111111111, User: 222222222222222222, Time: at, Channel: store.Channel{Name: "general"}, Content: "hi", Source: store.SourceLog}
			test.want(&want)
			var got store.Record
			if o, reason := parse(test.line, 777, &got); o != message || got != want {
				t.Errorf("got %v %q %+v\nwant %+v\nof %s", o, reason, got, want, test.line)
			}
		})
	}
}

func TestParseOthers(t *testing.T) {
	tests := []struct {
		name, line string
		want       outcome
		reason     string
	}{
		{"empty", "", skipped, ""},
		{"white space", " \t\r\v\f\u0085\u00a0\u2003\u3000", skipped, ""},
		{"another action", with(`receive_message`, `edit_message`), skipped, ""},
		{"another action, all else wrong", `{"action":"x","user_id":5,"message":{},"timestamp":null}`, skipped, ""},
		{"no action", `{}`, skipped, ""},
		{"action null", with(`"receive_message"`, `null`), skipped, ""},
		{"action in a list", with(`"receive_message"`, `["receive_message"]`), skipped, ""},
		{"action in other letters", with(`receive_message`, `Receive_Message`), skipped, ""},
		{"action with white space", with(`receive_message`, `receive_message `), skipped, ""},
		{"last action counts", with(`"message":"hi"`, `"action":"other"`), skipped, ""},
		{"a text", `"x"`, malformed, badShape},
		{"an array", ` [1] `, malformed, badShape},
		{"null", `null`, malformed, badShape},
		{"a number", `-1.5E-3`, malformed, badShape},
		{"not JSON", `not json`, malformed, badJSON},
		{"cut off", usual[:len(usual)-1], malformed, badJSON},
		{"behind the end", usual + "}", malformed, badRest},
		{"two objects", usual + usual, malformed, badRest},
		{"byte order mark", "\ufeff" + usual, malformed, badJSON},
		{"byte order mark alone", "\ufeff", malformed, badJSON},
		{"other white space", "\u00a0" + usual, malformed, badJSON},
		{"a comma too many", with(`,"extra"`, `,,"extra"`), malformed, badJSON},
		{"a comma at the end", with(`}}`, `},}`), malformed, badJSON},
		{"an array's comma at the end", `{"a":[1,]}`, malformed, badJSON},
		{"no colon", `{"a" 1}`, malformed, badJSON},
		{"no quotes", `{a:1}`, malformed, badJSON},
		{"single quotes", `{'a':1}`, malformed, badJSON},
		{"a raw tab", with("hi", "h\ti"), malformed, badJSON},
		{"a raw NUL", with("hi", "h\x00i"), malformed, badJSON},
		{"a bad escape", with("hi", `\x41`), malformed, badJSON},
		{"a short escape", with(`"hi"`, `"\u12"`), malformed, badJSON},
		{"bare words where nothing is read", `{"a":NaN,"b":[Infinity,{"action":-Infinity}],"extra":{"a":NaN}}`, skipped, ""},
		{"a bare word for a text", with(`"hi"`, `NaN`), malformed, badJSON},
		{"a bare word for a channel", with(`"general"`, `[1,-Infinity]`), malformed, badJSON},
		{"a bare word for the action", `{"action":Infinity}`, malformed, badJSON},
		{"a bare word for the guild", with(`"extra":{"server_id":"111111111111111111"}`, `"extra":{"server_id":NaN}`), malformed, badJSON},
		{"half a bare word", `{"a":Infinit}`, malformed, badJSON},
		{"more than a bare word", `{"a":NaNs}`, malformed, badJSON},
		{"a bare word with another sign", `{"a":+Infinity}`, malformed, badJSON},
		{"a bare word with a sign", `{"a":-NaN}`, malformed, badJSON},
		{"bad numbers", `{"a":01}`, malformed, badJSON},
		{"a bare point", `{"a":1.}`, malformed, badJSON},
		{"a bare exponent", `{"a":1e}`, malformed, badJSON},
		{"a bare minus", `{"a":-}`, malformed, badJSON},
		{"broken far inside", with(`{"server_id"`, `{"x":[{"y":tru}],"server_id"`), malformed, badJSON},
		{"too deep", strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000), malformed, badJSON},
		{"bottomless", strings.Repeat("[", 1<<20), malformed, badJSON},
		{"user missing", with(`"user_id":"222222222222222222",`, ``), malformed, badUser},
		{"user empty", with(aUser, ``), malformed, badUser},
		{"user null", with(`"222222222222222222"`, `null`), malformed, badUser},
		{"user a number", with(`"222222222222222222"`, `222222222222222222`), malformed, badUser},
		{"user a name", with(aUser, `bob`), malformed, badUser},
		{"user zero", with(aUser, `0`), malformed, badUser},
		{"user too large", with(aUser, `18446744073709551616`), malformed, badUser},
		{"user signed", with(aUser, `+1`), malformed, badUser},
		{"user of 21 digits", with(aUser, `000000000000000000001`), malformed, badUser},
		{"time missing", with(`"timestamp":"2026-05-11T06:30:00.123456Z",`, ``), malformed, badTime},
		{"time without zone", with(`.123456Z`, ``), malformed, badTime},
		{"time a number", with(`"2026-05-11T06:30:00.123456Z"`, `1747000000`), malformed, badTime},
		{"message a number", with(`"hi"`, `5`), malformed, badMessage},
		{"message a bool", with(`"hi"`, `true`), malformed, badMessage},
		{"message an object", with(`"hi"`, `{}`), malformed, badMessage},
		{"message a list", with(`"hi"`, `["hi"]`), malformed, badMessage},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var r store.Record
			if got, reason := parse(test.line, 777, &r); got != test.want || reason != test.reason {
				t.Errorf("got %v %q, want %v %q", got, reason, test.want, test.reason)
			}
		})
	}
	t.Run("no guild anywhere", func(t *testing.T) {
		var r store.Record
		if got, reason := parse(strings.ReplaceAll(usual, aGuild, "My Guild"), 0, &r); got != malformed || reason != badGuild {
			t.Errorf("got %v %q", got, reason)
		}
	})
}

// oracle is parse said with encoding/json: slow, and nothing of the scanner.
func oracle(line string, folder store.ID) (outcome, store.Record) {
	if strings.TrimFunc(line, unicode.IsSpace) == "" {
		return skipped, store.Record{}
	}
	object := func(b []byte) map[string]json.RawMessage {
		var m map[string]json.RawMessage
		if json.Unmarshal(b, &m) != nil {
			return nil
		}
		return m
	}
	// What Python writes for numbers that JSON has not becomes something that nobody writes.
	const bare = `[{"\u0000":0}]`
	top := object([]byte(replaceBare(line, bare)))
	if top == nil {
		return malformed, store.Record{}
	}
	for key, raw := range top {
		switch key {
		case "extra":
			raw = object(raw)["server_id"]
		case "timestamp", "server_id", "channel_or_file", "user_id", "action", "message":
		default:
			continue
		}
		if strings.Contains(string(raw), bare) {
			return malformed, store.Record{}
		}
	}
	str := func(b json.RawMessage) (s string, ok bool) {
		if len(b) == 0 || b[0] != '"' || json.Unmarshal(b, &s) != nil {
			return "", false
		}
		return s, true
	}
	if action, ok := str(top["action"]); !ok || action != "receive_message" {
		return skipped, store.Record{}
	}
	id := func(b json.RawMessage) store.ID {
		s, _ := str(b)
		id, _ := store.ParseID(s)
		return id
	}
	r := store.Record{User: id(top["user_id"]), Guild: folder, Source: store.SourceLog}
	if guild := id(top["server_id"]); guild != 0 {
		r.Guild = guild
	}
	if guild := id(object(top["extra"])["server_id"]); guild != 0 {
		r.Guild = guild
	}
	stamp, _ := str(top["timestamp"])
	at, err := store.ParseMicros(stamp)
	r.Time = at
	if r.Channel.Name, _ = str(top["channel_or_file"]); r.Channel.Name == "" {
		r.Channel.Name = "unknown"
	}
	content, ok := str(top["message"])
	r.Content = content
	if b := top["message"]; !ok && b != nil && string(b) != "null" || r.User == 0 || r.Guild == 0 || err != nil {
		return malformed, store.Record{}
	}
	return message, r
}

// replaceBare puts something else in the place of NaN, Infinity and -Infinity outside of texts.
func replaceBare(line, by string) string {
	words := strings.NewReplacer("-Infinity", by, "Infinity", by, "NaN", by)
	var out, plain strings.Builder
	quoted := false
	for i := 0; i < len(line); i++ {
		c := line[i]
		if !quoted {
			plain.WriteByte(c)
			if quoted = c == '"'; quoted {
				out.WriteString(words.Replace(plain.String()))
				plain.Reset()
			}
			continue
		}
		out.WriteByte(c)
		switch {
		case c == '\\' && i+1 < len(line):
			i++
			out.WriteByte(line[i])
		case c == '"':
			quoted = false
		}
	}
	return out.String() + words.Replace(plain.String())
}

func seedLines(f *testing.F) {
	for _, line := range []string{
		usual, "", " ", "{}", `{"action":"receive_message"}`, with(`"hi"`, `"\ud83d\ude00\ud83d\n"`), with(`"hi"`, "\"\xff\xe4\xbd\""),
		with(`"extra"`, `"extra":5,"extra"`), with(`"extra":{`, `"extra":{"server_id":null,"a":[{},[],1e5,-0.1],`),
		with(`"general"`, `null`), with(`"action"`, `"\u0061ction"`), with(`"hi"`, `null`), usual + "x", usual[:200],
		with(`"level"`, ` "level" `), with("\"message\":\"hi\"", "\"message\":\"a\",\"message\":5"), "\u3000", "[1]", `"x"`,
		with(`"level"`, `"x":NaN,"y":[-Infinity,Infinity],"level"`), with(`"hi"`, "NaN"), with(`"extra":{`, `"extra":{"server_id":-Infinity,"a":NaN,`), `{"a":"NaN","b":-NaN}`, "Infinity",
		with(aUser, "bob"), strings.ReplaceAll(usual, aGuild, "My Guild"), with(`Z"`, `+08:00"`),
	} {
		f.Add(line, uint64(0))
		f.Add(line, uint64(7))
	}
}

// FuzzParse compares parse with the oracle.
func FuzzParse(f *testing.F) {
	seedLines(f)
	f.Fuzz(func(t *testing.T, line string, folder uint64) {
		want, wantRecord := oracle(line, store.ID(folder))
		var r store.Record
		got, reason := parse(line, store.ID(folder), &r)
		if got != want || got == message && r != wantRecord {
			t.Errorf("got %v (%s) %+v\nwant %v %+v\nof %q", got, reason, r, want, wantRecord, line)
		}
		if (got == malformed) != (reason != "") {
			t.Errorf("outcome %v with reason %q", got, reason)
		}
	})
}

// FuzzUsual proves that the short cut for the usual order changes nothing.
func FuzzUsual(f *testing.F) {
	seedLines(f)
	f.Fuzz(func(t *testing.T, line string, _ uint64) {
		var quick, thorough fields
		quickReason := quick.read(line)
		i := skipSpace(line, 0)
		if i == len(line) || line[i] != '{' {
			if quickReason == "" {
				t.Errorf("%q is an object?", line)
			}
			return
		}
		end := thorough.object(line, i+1, 1, onTop, false)
		if whole := end >= 0 && skipSpace(line, end) == len(line) && !thorough.readsBare(); whole != (quickReason == "") {
			t.Fatalf("with the short cut %q, without it the object ends at %d, of %q", quickReason, end, line)
		} else if whole && quick != thorough {
			t.Errorf("with the short cut %+v, without it %+v, of %q", quick, thorough, line)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for _, bench := range []struct{ name, line string }{
		{"usual", with(`"hi"`, `"so what are we doing about the thing on thursday? <:pig:333333333333333333>"`)},
		{"chinese", with(`"hi"`, `"今天晚上有人要一起打遊戲嗎?我大概九點以後才有空喔"`)},
		{"escaped", with(`"hi"`, `"two lines\nof \"text\" in one message, as people write them"`)},
		{"other order", `{"message":"so what are we doing about the thing","extra":{"server_id":"` + aGuild + `"},"action":"receive_message","user_id":"` + aUser + `","channel_or_file":"general","timestamp":"2026-05-11T06:30:00.123456Z"}`},
		{"skipped", with(`receive_message`, `edit_message`)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.SetBytes(int64(len(bench.line)))
			b.ReportAllocs()
			var r store.Record
			for b.Loop() {
				parse(bench.line, 777, &r)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}
