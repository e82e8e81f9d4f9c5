package terminal_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"rollcall/internal/cli/terminal"
)

func TestVisible(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"plain", "hello, 世界 👩‍👩‍👧 é", "hello, 世界 👩‍👩‍👧 é"},
		{"colour", "a\x1b[31mb", `a\u001b[31mb`},
		{"lines", "a\r\nb\tc", `a\r\nb\tc`},
		{"bell and delete", "\a\x7f", `\u0007\u007f`},
		{"eight-bit escape", "\u009b31m", `\u009b31m`},
		{"direction", "\u202eabc\u2066", `\u202eabc\u2066`},
		{"separators", "a\u2028b\u2029", `a\u2028b\u2029`},
		{"nul", "\x00", `\u0000`},
		{"bad bytes", "a\xff\xc3", `a\xff\xc3`},
		{"replacement character", "a\ufffd", "a\ufffd"},
		{"empty", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := terminal.Visible(tc.text); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func harmless(t *testing.T, text string, but string) {
	t.Helper()
	for _, r := range text {
		if unicode.IsControl(r) && !strings.ContainsRune(but, r) {
			t.Errorf("%q has %U", text, r)
		}
	}
	if !utf8.ValidString(text) {
		t.Errorf("%q is not UTF-8", text)
	}
}

// However text is cut into writes, no control character comes out, and JSON stays
// the JSON that it was.
func FuzzVisible(f *testing.F) {
	for _, seed := range []string{"plain", "a\x1b[2J", "\u009b", "é\xff世", "\u202e", "👩‍👩‍👧", "\xe4\xb8"} {
		f.Add(seed, 1)
		f.Add(seed, 3)
	}
	f.Fuzz(func(t *testing.T, text string, size int) {
		harmless(t, terminal.Visible(text), "")

		encoded, err := json.Marshal(map[string]string{"text": text})
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		w := terminal.NewWriter(&out)
		for rest := encoded; len(rest) > 0; {
			n := min(max(1, size), len(rest))
			if written, err := w.Write(rest[:n]); written != n || err != nil {
				t.Fatalf("wrote %d of %d: %v", written, n, err)
			}
			rest = rest[n:]
		}
		harmless(t, out.String(), "\n\t")
		var before, after map[string]string
		if json.Unmarshal(encoded, &before) != nil || json.Unmarshal(out.Bytes(), &after) != nil || !reflect.DeepEqual(before, after) {
			t.Errorf("%s became %s", encoded, &out)
		}

		out.Reset()
		w = terminal.NewWriter(&out)
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		harmless(t, out.String(), "\n\t")
	})
}
