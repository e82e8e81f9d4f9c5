package web_test

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"rollcall/internal/web"
)

func TestSaid(t *testing.T) {
	for _, c := range []struct {
		text  string
		spans [][2]int
		want  string
	}{
		{"a < b & c", nil, "a &lt; b &amp; c"},
		{"日本語 text", [][2]int{{1, 2}, {4, 8}}, "日<mark>本</mark>語 <mark>text</mark>"},
		{"<@5> hi", [][2]int{{5, 7}}, `<span class="token">@Bo</span> <mark>hi</mark>`},
		{"<@6>", nil, `<span class="token">@6</span>`},
		{"x<:pog:123>y", [][2]int{{3, 6}, {11, 12}}, `x<span class="token">:pog:</span><mark>y</mark>`},
		{"a\u202eb\x00", nil, "a[U+202E]b[U+0000]"},
		{"👩‍💻 ok", nil, "👩‍💻 ok"},
		{"<t:9999999999999>", nil, `<span class="token">9999999999999</span>`},
	} {
		if got := string(web.Said(c.text, map[string]string{"5": "Bo"}, c.spans)); got != c.want {
			t.Errorf("%q: %s", c.text, got)
		}
	}
}

// Whatever is said, all of it is text.
func FuzzSaid(f *testing.F) {
	f.Add("<script>&\"' <@1> <:a:2>", 1, 5)
	f.Add("日本\xff", 0, 9)
	f.Fuzz(func(t *testing.T, text string, from, to int) {
		text = strings.ToValidUTF8(text, "?")
		var spans [][2]int
		if n := utf8.RuneCountInString(text); from >= 0 && from < to && to <= n {
			spans = [][2]int{{from, to}}
		}
		out := string(web.Said(text, nil, spans))
		for _, tag := range []string{`<span class="token">`, "</span>", "<mark>", "</mark>"} {
			out = strings.ReplaceAll(out, tag, "")
		}
		if strings.ContainsAny(out, "<>\"'\u202e\x1b") {
			t.Fatalf("%q: %q", text, out)
		}
	})
}

func TestTicks(t *testing.T) {
	for most, want := range map[int64][]int64{1: {1}, 4: {1, 2, 3, 4}, 7: {2, 4, 6}, 254: {100, 200}, 500: {100, 200, 300, 400, 500}, 12_345_678: {5_000_000, 10_000_000}} {
		if got := web.Ticks(most); !reflect.DeepEqual(got, want) {
			t.Errorf("%d: %v", most, got)
		}
	}
}

func TestChange(t *testing.T) {
	for _, c := range []struct {
		now, before int64
		want        string
	}{{15, 10, "+50 %"}, {5, 10, "-50 %"}, {10, 10, "0 %"}, {10, 0, "new"}, {0, 0, ""}, {10, -1, ""}} {
		if got := web.Change(c.now, c.before); got != c.want {
			t.Errorf("%d after %d: %q", c.now, c.before, got)
		}
	}
}
