package main

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"rollcall/store"
)

const usualLine = `{"timestamp":"2026-05-11T06:30:00.123456Z","level":"INFO","source":"server","server_id":"111","channel_or_file":"general","user_id":"222","action":"receive_message","message":"MESSAGE","trace_id":null,"extra":{"server_id":"111"}}`

func lineOf(message string) string {
	return usualLine[:len(usualLine)-len(`MESSAGE","trace_id":null,"extra":{"server_id":"111"}}`)] + message + `","trace_id":null,"extra":{"server_id":"111"}}`
}

func TestDecode(t *testing.T) {
	at, err := store.ParseMicros("2026-05-11T06:30:00.123456Z")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, line, content string
		ok, bad             bool
	}{
		{"usual", lineOf("hi"), "hi", true, false},
		{"empty", lineOf(""), "", true, false},
		{"wide", lineOf("你好 😂"), "你好 😂", true, false},
		{"escapes", lineOf(`a\n\"b\" \\`), "a\n\"b\" \\", true, false},
		{"a slash at the end", lineOf(`\\`), `\`, true, false},
		{"invalid bytes", lineOf("a\xffb"), "a�b", true, false},
		{"another order", `{"action":"receive_message","message":"hi","user_id":"222","channel_or_file":"general","extra":{"server_id":"111"},"timestamp":"2026-05-11T06:30:00.123456Z"}`, "hi", true, false},
		{"another action", `{"action":"send_message"}`, "", false, false},
		{"no user", `{"action":"receive_message"}`, "", false, true},
		{"garbage", "x", "", false, true},
		{"unfinished", lineOf("hi")[:150], "", false, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var e entry
			ok, err := decode(test.line, &e)
			if (err != nil) != test.bad {
				t.Fatalf("error %v", err)
			}
			if test.bad {
				return
			}
			if want := (entry{111, 222, at, "general", test.content}); ok != test.ok || ok && e != want {
				t.Errorf("got %+v, %v", e, ok)
			}
		})
	}
}

// FuzzDecode compares the two ways to read a line.
func FuzzDecode(f *testing.F) {
	for _, message := range []string{"hi", `\"`, `\\\"\\`, "\xff", `\u00e9\ud83d\ude02`, `","trace_id":null`} {
		f.Add(lineOf(message))
	}
	f.Fuzz(func(t *testing.T, line string) {
		if !json.Valid([]byte(line)) {
			return // the decoder does not tell all of what is malformed
		}
		var quick, slow entry
		ok, err := decode(line, &quick)
		slowOK, slowErr := decodeSlowly(line, &slow)
		if ok != slowOK || (err == nil) != (slowErr == nil) || err == nil && quick != slow {
			t.Errorf("%+v, %v, %v; encoding/json: %+v, %v, %v", quick, ok, err, slow, slowOK, slowErr)
		}
		if ok && !utf8.ValidString(quick.content) {
			t.Errorf("content %q", quick.content)
		}
	})
}
