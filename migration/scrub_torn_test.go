package migration_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rollcall/migration"
	"rollcall/store"
)

// Of lines that are torn, everything of the person's goes, and what others said stays, byte
// for byte. What nobody can tell is left and named.
func TestScrubTorn(t *testing.T) {
	const path = guildA + "/20260511/info.jsonl"
	mine := func(text string) string { return bare(by("6", said(text))) }
	other := func(text string) string { return bare(said(text)) }
	torn := func(line string) string { return line[:len(line)-60] } // behind the text
	half := func(line string) string { return line[:60] }           // before the user
	zeros := strings.Repeat("\x00", 20)
	number := strings.Replace(mine("x"), `"user_id":"6"`, `"user_id":6`, 1)
	for _, test := range []struct {
		name, before, after string
		lines, left         int64
	}{
		{"behind zeros", zeros + mine("x") + "\n", zeros + "\n", 1, 0},
		{"behind a byte order mark", "\ufeff" + mine("x") + "\n" + other("a") + "\n", "\ufeff" + other("a") + "\n", 1, 0},
		{"behind a mark amid the file", other("a") + "\n\ufeff" + mine("x") + "\n", other("a") + "\n\ufeff\n", 1, 0},
		{"behind another's torn line", torn(other("a")) + mine("x") + "\n" + other("b") + "\n", torn(other("a")) + "\n" + other("b") + "\n", 1, 0},
		{"behind half a line, as on Windows", half(other("a")) + mine("x") + "\r\n" + other("b"), half(other("a")) + "\r\n" + other("b"), 1, 0},
		{"torn, before another's", torn(mine("x")) + other("a") + "\n", other("a") + "\n", 1, 0},
		{"torn between others", torn(other("a")) + torn(mine("x")) + other("b") + "\n", torn(other("a")) + other("b") + "\n", 1, 0},
		{"whole, before another's", mine("x") + other("a") + "\n", other("a") + "\n", 1, 0},
		{"all of a line", torn(mine("x")) + mine("y") + "\n" + other("a") + "\n", other("a") + "\n", 2, 0},
		{"without an end", half(other("a")) + mine("x"), half(other("a")), 1, 0},
		{"a number", number + "\n" + other("a") + "\n", other("a") + "\n", 1, 0},
		{"a number, torn", half(other("a")) + torn(number) + "\n", half(other("a")) + "\n", 1, 0},
		{"a mention for an id", strings.Replace(mine("x"), `"6"`, `" <@!6> "`, 1) + "\n", "", 1, 0},
		{"another number", strings.Replace(mine("x"), `"user_id":"6"`, `"user_id":66`, 1) + "\n", strings.Replace(mine("x"), `"user_id":"6"`, `"user_id":66`, 1) + "\n", 0, 0},
		{"a line that has lost its start", zeros + `","user_id":"6","action":"receive_message","message":"x"}` + "\n", "", 1, 0},
		{"a line with a hole", torn(mine("x")) + zeros + `y","trace_id":null}` + "\n" + other("a") + "\n", other("a") + "\n", 1, 0},
		{"a hole, and another's rest", torn(mine("x")) + zeros + `"user_id":"5","message":"a"}` + "\n", zeros + `"user_id":"5","message":"a"}` + "\n", 1, 0},
		{"another's start, and a hole", torn(other("a")) + zeros + `"user_id":"6","message":"x"}` + "\n", torn(other("a")) + zeros + "\n", 1, 0},
		{"spoken of in a torn line", half(other("a")) + torn(other(`<@6> "user_id":"6"`)) + "\n", half(other("a")) + torn(other(`<@6> "user_id":"6"`)) + "\n", 0, 0},
		{"something behind the record", mine("x") + "}\n" + other("a") + "\n", other("a") + "\n", 1, 0},
		{"not to be told", `","action":"receive_message","message":"<@6> x"}` + "\n" + mine("x") + "\n", `","action":"receive_message","message":"<@6> x"}` + "\n", 1, 1},
		{"behind a long line", strings.Repeat("x", 17<<20) + mine("x") + "\n" + other("a") + "\n", strings.Repeat("x", 17<<20) + "\n" + other("a") + "\n", 1, 0},
		{"a long line of several", other("a") + strings.Repeat(zeros, 1<<20) + mine("x") + "7" + strings.Repeat(zeros, 1<<20) + "\n", other("a") + strings.Repeat(zeros, 1<<20) + mine("x") + "7" + strings.Repeat(zeros, 1<<20) + "\n", 0, 1},
		{"a long line of nobody's", strings.Repeat(zeros, 1<<20) + "\n" + mine("x") + "\n", strings.Repeat(zeros, 1<<20) + "\n", 1, 0},
		{"a start, and the rest of another's", strings.Replace(mine("x"), `"action":"receive_message"`, `"action":"rec56Z","user_id":"5","action":"receive_message"`, 1) + "\n" + other("a") + "\n", other("a") + "\n", 1, 0},
		{"a bare word", strings.Replace(mine("x"), "null", "NaN", 1) + "\n", "", 1, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			put(t, root, path, test.before)
			found := scrub(t, root, store.Person{User: 6}, true)
			if len(found) != 1 && test.lines+test.left > 0 || len(found) == 1 && (found[0].Lines != test.lines || found[0].Left != test.left || found[0].Scrubbed != (test.lines > 0)) {
				t.Errorf("found %+v, want %d lines and %d left", found, test.lines, test.left)
			}
			if text := decompressed(t, root, path); text != test.after {
				t.Errorf("the file holds %.900q,\nwant %.900q", text, test.after)
			}
			again := scrub(t, root, store.Person{User: 6}, true)
			if len(again) > 0 && (again[0].Lines > 0 || again[0].Left != test.left || !strings.Contains(again[0].Note, "left")) || len(again) == 0 && test.left > 0 {
				t.Errorf("again %+v", again)
			}
		})
	}
}

// Files of every layout are looked through, and those that cannot be are told.
func TestScrubLayouts(t *testing.T) {
	root := t.TempDir()
	put(t, root, "guilds_map.json", `{"Red|Blue":"12"}`)
	line := by("6", said("x"))
	nameless := by("6", strings.ReplaceAll(said("y"), guildA, "Red|Blue"))
	var want []migration.Scrubbed
	for _, path := range []string{
		"Cats/Dogs/20251118/bot_log_INFO.jsonl", "Red/Blue/bot_log_20251118|INFO.jsonl.gz", "a/b/c/d.jsonl.zst", "bot_log_20251118|DEBUG.jsonl",
		"emergency/20251118/bot_log_INFO.jsonl", "emergency/emergency_a/b_20251118T000000Z.jsonl",
	} {
		put(t, root, path, line, nameless, said("a"))
		want = append(want, migration.Scrubbed{Path: path, Lines: 2, Scrubbed: true})
	}
	many := compress(t, "x.gz", line+said("a"))
	many = append(append(many, compress(t, "x.gz", line)...), make([]byte, 700)...)
	for _, path := range []string{"zeros/x.jsonl.gz", "zeros/none.jsonl.gz", "zeros/none.jsonl.zst"} {
		put(t, root, path)
		if err := os.WriteFile(filepath.Join(root, path), many, 0o600); err != nil {
			t.Fatal(err)
		}
		many = nil
	}
	want = append(want, migration.Scrubbed{Path: "zeros/x.jsonl.gz", Lines: 2, Scrubbed: true})
	put(t, root, "Old/20250101/bot_log_09.log", "6: x")
	put(t, root, "DirectMessage/20250101/bot_log_09.log", "6: x")
	put(t, root, "info.jsonl.bak", line)

	// Only where the guild is known to be theirs.
	one, _, err := migration.Scrub(t.Context(), migration.ScrubOptions{Root: root, Person: store.Person{User: 6, Guild: 12}, Now: noon})
	if err != nil || len(one) != 1 || one[0].Path != "Red/Blue/bot_log_20251118|INFO.jsonl.gz" || one[0].Lines != 1 {
		t.Errorf("in one guild: %+v, %v", one, err)
	}
	files, unsearched, err := migration.Scrub(t.Context(), migration.ScrubOptions{Root: root, Person: store.Person{User: 6}, Rewrite: true, Now: noon})
	slices.SortFunc(files, func(a, b migration.Scrubbed) int { return strings.Compare(a.Path, b.Path) })
	slices.SortFunc(want, func(a, b migration.Scrubbed) int { return strings.Compare(a.Path, b.Path) })
	if err != nil || !slices.Equal(files, want) {
		t.Errorf("%+v, %v\nwant %+v", files, err, want)
	}
	if unsearched.TextLogs != 2 || unsearched.Others != 1 || !slices.Equal(unsearched.First, []string{"DirectMessage/20250101/bot_log_09.log", "Old/20250101/bot_log_09.log", "info.jsonl.bak"}) {
		t.Errorf("not searched: %+v", unsearched)
	}
	for _, f := range files {
		if text := decompressed(t, root, f.Path); text != said("a") {
			t.Errorf("%s holds %q", f.Path, text)
		}
	}
	// A fragment of a guild that nobody can tell is left, and named.
	put(t, root, "Cats/Dogs/20251118/bot_log_INFO.jsonl", nameless[:len(nameless)-90]+"\n")
	files, _, err = migration.Scrub(t.Context(), migration.ScrubOptions{Root: root, Person: store.Person{User: 6, Guild: 12}, Rewrite: true, Now: noon})
	if err != nil || len(files) != 1 || files[0].Left != 1 || files[0].Scrubbed || files[0].Note == "" {
		t.Errorf("%+v, %v", files, err)
	}
	// What is of today is not touched, whatever its path looks like.
	put(t, root, "Red/Blue/bot_log_20260514|INFO.jsonl", line)
	files, _, err = migration.Scrub(t.Context(), migration.ScrubOptions{Root: root, Person: store.Person{User: 6}, Rewrite: true, Now: noon})
	if i := slices.IndexFunc(files, func(f migration.Scrubbed) bool { return strings.HasPrefix(f.Path, "Red") }); err != nil || i < 0 || files[i].Scrubbed || !strings.Contains(files[i].Note, "today") {
		t.Errorf("%+v, %v", files, err)
	}
}
