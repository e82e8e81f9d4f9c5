package migration_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/internal/storetest"
	"rollcall/migration"
	"rollcall/store"
)

func TestOrder(t *testing.T) {
	db, root := storetest.New(t, store.Options{}), t.TempDir()
	put(t, root, "guilds_map.json", `{"a guild of 30":"30"}`)
	for _, folder := range []string{"9", "30", "111", "a guild of 30", "Zoo", "älter", "100000000000000000000"} {
		put(t, root, folder+"/20260511/info.jsonl", said(folder+" second"))
		put(t, root, folder+"/20260510/info.jsonl", said(folder+" first"))
	}
	put(t, root, "emergency/emergency_9_20260512T000000Z.jsonl", said("emergency second"))
	put(t, root, "emergency/emergency_z_20260511T000000Z.jsonl", said("emergency first"))
	o, book := options(db, root)
	mustOnce(t, o)
	var got []string
	for _, line := range book.Lines("a day is read") {
		_, at, _ := strings.Cut(line, "guild=")
		got = append(got, strings.Join(strings.Fields(at)[:len(strings.Fields(at))-5], " "))
	}
	want := []string{
		"9 date=20260510", "9 date=20260511", "30 date=20260510", "30 date=20260511", "111 date=20260510", "111 date=20260511",
		"100000000000000000000 date=20260510", "100000000000000000000 date=20260511",
		"Zoo date=20260510", "Zoo date=20260511", `älter date=20260510`, `älter date=20260511`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	// The two folders of guild 30 are read together, day by day.
	if got := book.Lines("a day is read", "guild=30", "lines=2"); len(got) != 2 {
		t.Errorf("guild 30: %q", got)
	}
}

func TestLinks(t *testing.T) {
	outside := t.TempDir()
	put(t, outside, "20260510/info.jsonl", said("OUT"))
	tests := []struct {
		name  string
		build func(t *testing.T, root string)
		want  []string
		logs  string // what the log says once
	}{
		{"a link to a file", func(t *testing.T, root string) {
			put(t, root, "archive/may.jsonl", said("one"))
			link(t, "../../archive/may.jsonl", root, guildA+"/20260510/info.jsonl")
		}, []string{"one"}, ""},
		{"an absolute link", func(t *testing.T, root string) {
			put(t, root, "archive/may.jsonl", said("one"))
			link(t, filepath.Join(root, "archive/may.jsonl"), root, guildA+"/20260510/info.jsonl")
		}, []string{"one"}, ""},
		{"a link to a link", func(t *testing.T, root string) {
			put(t, root, "archive/may.jsonl", said("one"))
			link(t, "archive/may.jsonl", root, "middle")
			link(t, "../../middle", root, guildA+"/20260510/info.jsonl")
		}, []string{"one"}, ""},
		{"a link to a day", func(t *testing.T, root string) {
			put(t, root, "archive/may/info.jsonl.gz", said("one"))
			link(t, "../archive/may", root, guildA+"/20260510")
		}, []string{"one"}, ""},
		{"a link to a guild", func(t *testing.T, root string) {
			put(t, root, "archive/a/20260510/info.jsonl", strings.ReplaceAll(said("one"), guildA, "x"))
			link(t, "archive/a", root, guildA)
		}, []string{"one"}, ""},
		{"a link to emergency", func(t *testing.T, root string) {
			put(t, root, "archive/saved/emergency_x_20260510T000000Z.jsonl", said("one"))
			link(t, "archive/saved", root, "emergency")
		}, []string{"one"}, ""},
		{"the real path wins over a link", func(t *testing.T, root string) {
			put(t, root, guildB+"/20260510/info.jsonl", strings.ReplaceAll(said("one"), guildA, "x"))
			link(t, guildB, root, guildA)
			link(t, guildB+"/20260510/info.jsonl", root, "link")
			link(t, "../../link", root, "Name/20260510/info.jsonl")
			link(t, "20260510", root, guildB+"/20260511")
		}, []string{"one"}, ""},
		{"two links to one file", func(t *testing.T, root string) {
			put(t, root, "archive/may.jsonl", said("one"))
			link(t, "../../archive/may.jsonl", root, guildA+"/20260510/info.jsonl")
			link(t, "../../archive/may.jsonl", root, guildB+"/20260510/info.jsonl")
			link(t, "../archive/may.jsonl", root, "emergency/emergency_x_20260510T000000Z.jsonl")
		}, []string{"one"}, ""},
		{"loops", func(t *testing.T, root string) {
			put(t, root, guildA+"/20260510/info.jsonl", said("one"))
			link(t, ".", root, "loop")
			link(t, "..", root, guildA+"/20260511")
			link(t, ".", root, guildA+"/20260510/20260510")
			link(t, ".", root, "20260509")
		}, []string{"one"}, ""},
		{"a link to itself", func(t *testing.T, root string) {
			put(t, root, guildA+"/20260510/info.jsonl", said("one"))
			link(t, "info.jsonl", root, guildA+"/20260511/info.jsonl")
		}, []string{"one"}, guildA + "/20260511/info.jsonl"},
		{"a guild that is a link to itself", func(t *testing.T, root string) {
			put(t, root, guildA+"/20260510/info.jsonl", said("one"))
			link(t, guildB, root, guildB)
		}, []string{"one"}, guildB},
		{"a dangling link", func(t *testing.T, root string) {
			put(t, root, guildA+"/20260510/info.jsonl", said("one"))
			link(t, "gone", root, guildA+"/20260511")
		}, []string{"one"}, guildA + "/20260511"},
		{"a file outside", func(t *testing.T, root string) {
			put(t, root, guildA+"/20260510/info.jsonl.gz", said("one"))
			link(t, filepath.Join(outside, "20260510/info.jsonl"), root, guildA+"/20260510/info.jsonl")
		}, []string{"one"}, guildA + "/20260510/info.jsonl"},
		{"a day outside", func(t *testing.T, root string) {
			put(t, root, guildA+"/20260511/info.jsonl", said("one"))
			link(t, filepath.Join(outside, "20260510"), root, guildA+"/20260510")
		}, []string{"one"}, guildA + "/20260510"},
		{"a guild outside", func(t *testing.T, root string) {
			put(t, root, guildA+"/20260511/info.jsonl", said("one"))
			link(t, outside, root, guildB)
		}, []string{"one"}, guildB},
		{"a link out by dots", func(t *testing.T, root string) {
			rel, err := filepath.Rel(filepath.Join(root, guildA), filepath.Join(outside, "20260510"))
			if err != nil {
				t.Fatal(err)
			}
			put(t, root, guildA+"/20260511/info.jsonl", said("one"))
			link(t, rel, root, guildA+"/20260510")
		}, []string{"one"}, guildA + "/20260510"},
		{"what is never read is not read through links", func(t *testing.T, root string) {
			put(t, root, "Bot/20260510/info.jsonl", said("OUT"))
			put(t, root, "Bot/deep/er/x.jsonl", said("OUT"))
			put(t, root, guildB+"/20260510/error.jsonl", said("OUT"))
			link(t, "Bot", root, guildA)
			link(t, "../Bot/20260510", root, guildB+"/20260511")
			link(t, "../../Bot/deep/er/x.jsonl", root, guildB+"/20260512/info.jsonl")
			link(t, "error.jsonl", root, guildB+"/20260510/info.jsonl")
		}, nil, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			db, root := storetest.New(t, store.Options{}), t.TempDir()
			test.build(t, root)
			o, book := options(db, root)
			sum := mustOnce(t, o)
			wantContents(t, db, test.want...)
			if sum.Duplicates != 0 {
				t.Errorf("read twice: %+v", sum)
			}
			warnings := book.Lines("level=WARN")
			if test.logs == "" && len(warnings) > 0 || test.logs != "" && (len(warnings) != 1 || !strings.Contains(warnings[0], "path="+test.logs+" ")) {
				t.Errorf("the log says %q", warnings)
			}
			if again := mustOnce(t, o); !same(again, migration.Summary{UnsupportedFiles: sum.UnsupportedFiles, IncompleteFiles: sum.IncompleteFiles, Incomplete: sum.Incomplete}) {
				t.Errorf("a second run did %+v", again)
			}
		})
	}
}

// TestThingsInTheWay: each gets one line, and nothing else is lost.
func TestThingsInTheWay(t *testing.T) {
	mkdir := func(t *testing.T, root, path string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(root, path), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	day := guildA + "/20260511"
	tests := []struct {
		name  string
		build func(t *testing.T, root string)
		path  string   // what the log names
		read  []string // what is read all the same
		last  string   // day that is complete
	}{
		{"a folder where a file should be", func(t *testing.T, root string) { mkdir(t, root, day+"/info.jsonl") }, day + "/info.jsonl", nil, "20260510"},
		{"a folder, and the file compressed", func(t *testing.T, root string) {
			mkdir(t, root, day+"/info.jsonl")
			put(t, root, day+"/info.jsonl.gz", said("beside"))
		}, day + "/info.jsonl", []string{"beside"}, "20260511"},
		{"a folder beside the file of another era", func(t *testing.T, root string) {
			mkdir(t, root, day+"/bot_log_INFO.jsonl")
			put(t, root, day+"/info.jsonl", said("beside"))
		}, day + "/bot_log_INFO.jsonl", []string{"beside"}, "20260510"},
		{"a socket", func(t *testing.T, root string) {
			mkdir(t, root, day)
			// Names of sockets are short; the folder's is not.
			short, err := os.MkdirTemp("", "s")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(short) })
			l, err := net.Listen("unix", filepath.Join(short, "s"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
			if err := os.Rename(filepath.Join(short, "s"), filepath.Join(root, day, "info.jsonl")); err != nil {
				t.Fatal(err)
			}
		}, day + "/info.jsonl", nil, "20260510"},
		{"a file where a day should be", func(t *testing.T, root string) { put(t, root, day, "x") }, day, nil, "20260510"},
		{"a file where a guild should be", func(t *testing.T, root string) { put(t, root, guildB, "x") }, guildB, nil, "20260510"},
		{"a file where emergency should be", func(t *testing.T, root string) { put(t, root, "emergency", "x") }, "emergency", nil, "20260510"},
		{"not gzip", func(t *testing.T, root string) {
			put(t, root, day+"/x", "not gzip")
			rename(t, root, day+"/x", day+"/info.jsonl.gz")
		}, day + "/info.jsonl.gz", nil, "20260510"},
		{"guilds_map.json is not JSON", func(t *testing.T, root string) { put(t, root, "guilds_map.json", "{") }, "guilds_map.json", nil, "20260510"},
		{"guilds_map.json is a folder", func(t *testing.T, root string) { mkdir(t, root, "guilds_map.json") }, "guilds_map.json", nil, "20260510"},
		{"guilds_map.json is too large", func(t *testing.T, root string) {
			put(t, root, "guilds_map.json", "{", strings.Repeat(" ", 5<<20), "}")
		}, "guilds_map.json", nil, "20260510"},
		{"the channels are a list", func(t *testing.T, root string) { put(t, root, guildA+"/guilds_and_channels.json", "[]") }, guildA + "/guilds_and_channels.json", nil, "20260510"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			db, root := storetest.New(t, store.Options{}), t.TempDir()
			put(t, root, guildA+"/20260510/info.jsonl", said("before"))
			test.build(t, root)
			o, book := options(db, root)
			mustOnce(t, o)
			wantContents(t, db, append(test.read, "before")...)
			wantDates(t, db, guildA+" "+test.last)
			if got := book.Lines("level=WARN"); len(got) != 1 || !strings.Contains(got[0], "path="+test.path+" ") {
				t.Errorf("the log says %q", got)
			}
		})
	}
}

func rename(t *testing.T, root, from, to string) {
	t.Helper()
	if err := os.Rename(filepath.Join(root, from), filepath.Join(root, to)); err != nil {
		t.Fatal(err)
	}
}

func TestChannelIDs(t *testing.T) {
	db, root := storetest.New(t, store.Options{}), t.TempDir()
	put(t, root, guildA+"/guilds_and_channels.json", `{"channels":[{"name":"general","id":"77"},{"name":"unknown","id":"78"},{"name":"bad","id":"x"}]}`)
	other := strings.ReplaceAll(said("of another guild"), guildA, guildB)
	unnamed := strings.Replace(said("no channel"), `"channel_or_file":"general",`, "", 1)
	bad := strings.Replace(said("a bad id"), "general", "bad", 1)
	put(t, root, guildA+"/20260510/info.jsonl", said("known"), other, unnamed, bad)
	once(t, db, root)
	got := map[string]store.ID{}
	for r, err := range db.Records(t.Context(), store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		got[r.Content] = r.Channel.ID
	}
	if want := "map[a bad id:0 known:77 no channel:0 of another guild:0]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}
