package visible_test

import (
	"testing"
	"unicode"
	"unicode/utf8"

	"rollcall/internal/visible"
)

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"plain\ntext\t日本":        "plain\ntext\t日本",
		"a\u202eb":               "a[U+202E]b",
		"\x1b[31m\r":             "[U+001B][31m[U+000D]",
		"👩\u200d💻 می\u200cخواهم": "👩\u200d💻 می\u200cخواهم",
		"\U0001F3F4\U000E0067\U000E0062\U000E0073\U000E0063\U000E0074\U000E007F": "\U0001F3F4\U000E0067\U000E0062\U000E0073\U000E0063\U000E0074\U000E007F",
		"x\U000E0068\U000E0069": "x[U+E0068][U+E0069]",
		"a\xffb":                "a\ufffdb",
		"1\u20282":              "1[U+2028]2",
	} {
		if got := visible.Text(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("a\u202e\x00\xff\U0001F3F4\U000E0067")
	f.Fuzz(func(t *testing.T, text string) {
		out := visible.Text(text)
		if !utf8.ValidString(out) || visible.Text(out) != out {
			t.Fatalf("%q becomes %q, and that %q", text, out, visible.Text(out))
		}
		for _, r := range out {
			if unicode.Is(unicode.Cc, r) && r != '\n' && r != '\t' || r == 0x202e {
				t.Fatalf("%q shows %U", text, r)
			}
		}
	})
}
