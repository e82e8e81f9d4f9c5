package migration

import (
	"path"
	"strings"
	"testing"

	"rollcall/store"
)

func TestPlaceOf(t *testing.T) {
	day := place{content: messageLog, date: "20251118"}
	split := func(c content, split string) place {
		return place{content: c, date: "20251118", split: split, isSplit: true}
	}
	saved, known, unknown := place{content: emergencyLog}, place{content: noMessages}, place{}
	for name, want := range map[string]place{
		"1/20251118/info.jsonl":                            day,
		"1/20251118/info.jsonl.gz":                         day,
		"Cats/20251118/bot_log_INFO.jsonl.zst":             day,
		"Cats/Dogs/20251118/bot_log_INFO.jsonl":            day,
		"a/20250101/20251118/bot_log_INFO.jsonl":           day,
		"20251118/20251118/bot_log_INFO.jsonl":             day,
		"emergency/20251118/bot_log_INFO.jsonl":            day,
		"Cats/Bot/20251118/bot_log_INFO.jsonl":             day,
		"Cats/Dogs/20251118/info.jsonl":                    unknown,
		"20251118/info.jsonl":                              unknown,
		"info.jsonl":                                       unknown,
		"1/20251318/info.jsonl":                            unknown,
		"1/20251118/INFO.jsonl":                            unknown,
		"1/20251118/info.jsonl.bz2":                        unknown,
		"1/20251118/info.jsonl.gz.gz":                      unknown,
		"1/20251118/debug.jsonl":                           known,
		"a/b/c/20251118/bot_log_CRITICAL.jsonl.gz":         known,
		"Red/Blue/bot_log_20251118|INFO.jsonl":             split(messageLog, ""),
		"Red/Blue/bot_log_20251118|INFO.jsonl.gz":          split(messageLog, ""),
		"Red/Blue/bot_log_Green|x|20251118|INFO.jsonl":     split(messageLog, "bot_log_Green|x|"),
		"Red/Blue/bot_log_a/b|20251118|INFO.jsonl":         split(messageLog, "b|"),
		"bot_log_20251118|INFO.jsonl":                      split(messageLog, ""),
		"emergency/x/bot_log_20251118|INFO.jsonl":          split(messageLog, ""),
		"emergency/bot_log_20251118|INFO.jsonl":            split(messageLog, ""),
		"emergency/bot_log_20251118|ERROR.jsonl":           split(noMessages, ""),
		"Red/Blue/bot_log_20251118|09.log":                 split(textLog, ""),
		"Red/Blue/bot_log_20251118|info.jsonl":             unknown,
		"Red/Blue/bot_log_x20251118|INFO.jsonl":            unknown,
		"Red/Blue/20251118|INFO.jsonl":                     unknown,
		"Red/Blue/|20251118|INFO.jsonl":                    split(messageLog, "|"),
		"Old/20251118/bot_log_09.log.gz":                   {content: textLog, date: "20251118"},
		"a/b/20251118/bot_log_23.log":                      {content: textLog, date: "20251118"},
		"Old/20251118/09.log":                              unknown,
		"emergency/emergency_1_20260512T000000Z.jsonl":     saved,
		"emergency/anything.jsonl.gz":                      saved,
		"emergency/emergency_a/b/c_20260512T000000Z.jsonl": saved,
		"emergency/emergency_a/b/c.jsonl":                  unknown,
		"emergency/notes.txt":                              unknown,
		"Bot/20251118/info.jsonl":                          known,
		"DirectMessage/a/20251118/bot_log_INFO.jsonl":      known,
		"guilds_map.json":                                  known,
		"1/guilds_and_channels.json":                       known,
		"guilds_and_channels.json":                         unknown,
		"1/20251118/info.jsonl.gz.part-12":                 known,
		"1/notes.txt":                                      unknown,
	} {
		if got := placeOf(name); got != want {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}

// FuzzPlaceOf finds the files of whatever a guild is called, by the day and, where it is
// known, by the guild; nothing of what belongs to none; and does not trip over any path.
func FuzzPlaceOf(f *testing.F) {
	for _, name := range []string{"Cats", "Cats/Dogs", "Red|Blue", "Red|Blue|Green", "a/b|c/d", "|", "||", "/", "20251118", "a|20251118", "a/20251118",
		"emergency", "emergency|x", "emergency/emergency_x", "12", "Bot", "Bot|x", "bot_log_", "a|b|c/d", "x|", "|x", " ", "a//b"} {
		f.Add(name, "1/20251118/info.jsonl")
		f.Add("x", pathOf(name, "20251118", "INFO.jsonl"))
	}
	f.Fuzz(func(t *testing.T, guild, anyPath string) {
		p := placeOf(anyPath)
		if top, _, _ := strings.Cut(anyPath, "/"); noGuild(top) && p.content != noMessages {
			t.Errorf("%q is %+v", anyPath, p)
		}
		if p.content == messageLog && !isDate(p.date) {
			t.Errorf("%q has the date %q", anyPath, p.date)
		}
		latestDate(anyPath)

		// No folder and no file can have such a name.
		for part := range strings.SplitSeq(strings.ReplaceAll(guild, "|", "/"), "/") {
			if part == "." || part == ".." || strings.Contains(part, "\x00") {
				return
			}
		}
		name := pathOf(guild, "20251118", "INFO.jsonl")
		if top, _, _ := strings.Cut(name, "/"); noGuild(top) || !strings.ContainsFunc(guild, func(r rune) bool { return r != '/' }) {
			return // of names of slashes alone there is no folder
		}
		for _, suffix := range suffixes {
			if p = placeOf(name + suffix); p.content != messageLog || p.date != "20251118" {
				t.Errorf("guild %q: %q is %+v", guild, name+suffix, p)
			}
		}
		if other := pathOf(guild, "20251118", "WARNING.jsonl"); placeOf(other).content != noMessages {
			t.Errorf("guild %q: %q is %+v", guild, other, placeOf(other))
		}
		if text := pathOf(guild, "20250101", "09.log"); placeOf(text).content != textLog {
			t.Errorf("guild %q: %q is %+v", guild, text, placeOf(text))
		}
		names := newGuildNames(map[string]looseID{guild: 7})
		var id store.ID
		if p.isSplit {
			id = names.ofSplit(path.Dir(name), p.split)
		} else {
			folder := path.Dir(path.Dir(name))
			if _, err := store.ParseID(folder); err == nil {
				return // a name like an id
			}
			id = names.of(folder)
		}
		if id != 7 {
			t.Errorf("guild %q: the folder of %q is of guild %d", guild, name, id)
		}
	})
}
