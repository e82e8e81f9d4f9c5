package rules

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/internal/storetest"
	"rollcall/store"
)

// The world of these tests: guild 1 with channel 10 and its threads 11 and 12, and
// channel 20.
func TestRulesAllowed(t *testing.T) {
	ids := func(list ...store.ID) []store.ID { return list }
	tests := map[string]struct {
		rules   Options
		file    string
		allowed []store.ID // of 10, 11, 12 and 20
		decided []store.ID // those whose parent has no say
	}{
		"nothing is said":                 {allowed: ids(10, 11, 12, 20), decided: ids(10, 11, 12, 20)},
		"the guild is denied":             {rules: Options{GuildsDeny: ids(1)}, decided: ids(10, 11, 12, 20)},
		"the guild is allowed and denied": {rules: Options{GuildsAllow: ids(1), GuildsDeny: ids(1)}, decided: ids(10, 11, 12, 20)},
		"another guild is allowed":        {rules: Options{GuildsAllow: ids(2)}, decided: ids(10, 11, 12, 20)},
		"the guild is allowed":            {rules: Options{GuildsAllow: ids(1)}, allowed: ids(10, 11, 12, 20), decided: ids(10, 11, 12, 20)},
		"a channel is denied":             {rules: Options{ChannelsDeny: ids(10)}, allowed: ids(20), decided: ids(10)},
		"a channel is allowed":            {rules: Options{ChannelsAllow: ids(10)}, allowed: ids(10, 11, 12), decided: ids(10)},
		"a channel is allowed and denied": {rules: Options{ChannelsAllow: ids(10), ChannelsDeny: ids(10)}, decided: ids(10)},
		"a thread is denied":              {rules: Options{ChannelsDeny: ids(11)}, allowed: ids(10, 12, 20), decided: ids(11)},
		"a thread is allowed":             {rules: Options{ChannelsAllow: ids(11)}, allowed: ids(11), decided: ids(11)},
		"a thread of a denied channel is allowed": {
			rules: Options{ChannelsAllow: ids(11, 20), ChannelsDeny: ids(10)}, allowed: ids(11, 20), decided: ids(10, 11, 20),
		},
		"a thread of an allowed channel is denied": {
			rules: Options{ChannelsAllow: ids(10), ChannelsDeny: ids(11)}, allowed: ids(10, 12), decided: ids(10, 11),
		},
		"unrestricted": {file: `{"mode":"unrestricted","blacklist":["10"],"whitelist":["20"]}`, allowed: ids(10, 11, 12, 20), decided: ids(10, 11, 12, 20)},
		"whitelist":    {file: `{"mode":"whitelist","whitelist":["10"],"blacklist":["10"]}`, allowed: ids(10, 11, 12), decided: ids(10)},
		"an empty whitelist": {
			file: `{"mode":"whitelist","whitelist":[]}`,
		},
		"blacklist":           {file: `{"mode":"blacklist","blacklist":["10"]}`, allowed: ids(20), decided: ids(10)},
		"an empty blacklist":  {file: `{"mode":"blacklist"}`, allowed: ids(10, 11, 12, 20)},
		"both must allow":     {rules: Options{ChannelsDeny: ids(11)}, file: `{"mode":"whitelist","whitelist":["10"]}`, allowed: ids(10, 12), decided: ids(11)},
		"a file that is none": {file: `mode: blacklist`, decided: ids(10, 11, 12, 20)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.file != "" {
				test.rules.ConfigDir = t.TempDir()
				writeRules(t, test.rules.ConfigDir, test.file)
			}
			test.rules.Log = slog.New(slog.DiscardHandler)
			r, err := New(test.rules)
			if err != nil {
				t.Fatal(err)
			}
			parents := map[store.ID]store.ID{10: 0, 11: 10, 12: 10, 20: 0}
			allowed, decided := setOf(test.allowed), setOf(test.decided)
			for id, parent := range parents {
				if got := r.Allowed(1, id, parent); got != allowed.has(id) {
					t.Errorf("channel %d of %d is allowed: %v", id, parent, got)
				}
				if got := r.Decided(1, id); got != decided.has(id) {
					t.Errorf("channel %d is decided: %v", id, got)
				}
			}
		})
	}
}

func writeRules(t *testing.T, dir, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "1.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRulesFileChanges(t *testing.T) {
	const whitelist, blacklist = `{"mode":"whitelist","whitelist":["10"]}`, `{"mode":"blacklist","blacklist":["10"]}`
	dir := t.TempDir()
	out := new(storetest.Log)
	r, err := New(Options{ConfigDir: dir, Log: out.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	r.now = func() time.Time { return now }
	problems := 0
	step := func(what string, allows10, allows20, problem bool) {
		t.Helper()
		if got := r.Allowed(1, 10, 0); got != allows10 {
			t.Errorf("%s: channel 10 is allowed: %v", what, got)
		}
		if got := r.Allowed(1, 20, 0); got != allows20 {
			t.Errorf("%s: channel 20 is allowed: %v", what, got)
		}
		if problem {
			problems++
		}
		if n := out.Count("level=ERROR", "1.json") + out.Count("level=ERROR", "no such file"); n != problems {
			t.Errorf("%s: %d problems were told, want %d", what, n, problems)
		}
	}
	later := func() { now = now.Add(recheck) }

	step("no file", true, true, false)
	writeRules(t, dir, blacklist)
	step("a new file, a moment later", true, true, false)
	later()
	step("a new file", false, true, false)
	writeRules(t, dir, whitelist+" ")
	later()
	step("a changed file", true, false, false)
	writeRules(t, dir, `{"mode":"grey"}`)
	later()
	step("a mode that is none", true, false, true)
	later()
	step("still the same", true, false, false)
	writeRules(t, dir, whitelist[:10])
	later()
	step("half a file", true, false, true)
	writeRules(t, dir, blacklist)
	later()
	step("a mended file", false, true, false)
	if err := os.Remove(filepath.Join(dir, "1.json")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "1.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	later()
	step("a folder in its place", false, true, true)
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	later()
	step("no folder at all", false, true, true)
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "1.json")); err != nil {
		t.Fatal(err)
	}
	later()
	step("no file any more", true, true, false)
}

func TestRulesFileIsBrokenFromTheStart(t *testing.T) {
	dir := t.TempDir()
	writeRules(t, dir, `{`)
	out := new(storetest.Log)
	r, err := New(Options{ConfigDir: dir, Log: out.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	r.now = func() time.Time { return now }
	if r.Allowed(1, 10, 0) || r.GuildAllowed(1) {
		t.Error("a channel is allowed although nobody knows whether it is")
	}
	if !r.Allowed(2, 10, 0) {
		t.Error("another guild's channel is not allowed")
	}
	if out.Count("nothing of this guild is recorded", "1.json") != 1 {
		t.Error("it was not told once")
	}
	writeRules(t, dir, `{"mode":"unrestricted"}`)
	now = now.Add(recheck)
	if !r.Allowed(1, 10, 0) {
		t.Error("the mended file is not read")
	}
}

func TestNewRulesWantsAFolder(t *testing.T) {
	dir := t.TempDir()
	writeRules(t, dir, `{}`)
	for _, path := range []string{filepath.Join(dir, "none"), filepath.Join(dir, "1.json")} {
		if _, err := New(Options{ConfigDir: path}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestParseRules(t *testing.T) {
	tests := map[string]string{ // text → what the problem is
		``:                                       "JSON",
		`[]`:                                     "JSON",
		`{"mode":"whitelist"`:                    "JSON",
		`{"mode":"whitelist"} x`:                 "JSON",
		`{"mode":"whitelist","whitelist":[1]}`:   "strings",
		`{"mode":"whitelist","whitelist":["x"]}`: "strings",
		`{"mode":"whitelist","whitelist":[null]}`:      "missing",
		`{"mode":"unrestricted","opt_out":[null]}`:     "missing",
		`{"mode":"unrestricted","opt_out":[5]}`:        "strings",
		`{"mode":"unrestricted","store_content":"no"}`: "JSON",
		`{"mode":"blacklist","blacklist":"10"}`:        "JSON",
		`{}`:                                           `mode is ""`,
		`null`:                                         `mode is ""`,
		`{"mode":"Whitelist"}`:                         `mode is "Whitelist"`,
		`{"mode":"a\nb"}`:                              `mode is "a b"`,
		`{"mode":1}`:                                   "JSON",
		"\xef\xbb\xbf{\"mode\":":                       "JSON",
	}
	for text, problem := range tests {
		if c, err := parseRules([]byte(text)); err == nil || !strings.Contains(err.Error(), problem) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %+v %v, want an error with %q", text, c, err, problem)
		}
	}
}

func FuzzParseRules(f *testing.F) {
	for _, text := range []string{
		`{"mode":"whitelist","whitelist":["10"]}`, `{"mode":"blacklist","blacklist":["10","10"]}`,
		`{"mode":"unrestricted","opt_out":["5"],"store_content":false}`, `{"mode":"closed"}`, `{"mode":"whitelist","whitelist":[null]}`, `{`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := parseRules(text)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r") {
				t.Errorf("the problem is not one line: %q", err)
			}
			return
		}
		switch c.mode {
		case modeUnrestricted, modeWhitelist, modeBlacklist:
		default:
			t.Errorf("mode %q", c.mode)
		}
		if c.named.has(0) || c.optOut.has(0) {
			t.Error("channel 0 is named")
		}
	})
}
