package datapackage_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"rollcall/internal/importer/archive"
	"rollcall/internal/importer/corpus"
	"rollcall/internal/importer/datapackage"
	"rollcall/store"
)

type taken struct {
	messages  []archive.Message
	malformed []string
}

func (k *taken) Message(m *archive.Message) error { k.messages = append(k.messages, *m); return nil }
func (k *taken) Name(archive.Name) error          { return nil }
func (k *taken) Malformed(why string) error       { k.malformed = append(k.malformed, why); return nil }
func (k *taken) At(int64, int64)                  {}

func files(all map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range all {
		fsys[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o600}
	}
	return fsys
}

func read(t *testing.T, fsys fstest.MapFS, dir string) (taken, archive.Result) {
	t.Helper()
	if !datapackage.Is(fsys, dir) {
		t.Fatal("no package")
	}
	p, err := datapackage.Open(fsys, dir)
	if err != nil {
		t.Fatal(err)
	}
	var k taken
	result, err := p.Read(t.Context(), &k)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(k.messages, func(a, b archive.Message) int { return int(a.Time - b.Time) })
	return k, result
}

func TestPackages(t *testing.T) {
	for _, old := range []bool{false, true} {
		for _, translated := range []bool{false, true} {
			t.Run(fmt.Sprint(old, translated), func(t *testing.T) {
				dir := map[bool]string{false: "Messages", true: "messages"}[old]
				if translated {
					dir = "Mensajes"
				}
				k, result := read(t, files(corpus.Package(old, translated)), dir)
				if result.Incomplete || len(k.malformed) > 0 {
					t.Errorf("%+v, %q", result, k.malformed)
				}
				want := messages(map[bool]string{false: "Mara Quill", true: "mara"}[old])
				if len(k.messages) != len(want) {
					t.Fatalf("%+v", k.messages)
				}
				for i := range want {
					if !reflect.DeepEqual(k.messages[i], want[i]) {
						t.Errorf("message %d is\n%+v, want\n%+v", i, k.messages[i], want[i])
					}
				}
			})
		}
	}
}

func messages(name string) (list []archive.Message) {
	const sum, commas = "=SUM(1)", "commas, \"quotes\"\r\nand a second line"
	add := func(n int, m archive.Message) {
		m.ID = store.ID(corpus.PackageID(n))
		m.Time, m.User, m.UserName = archive.TimeOf(m.ID), 300000000000000001, name
		if m.Content = commas; n%2 == 0 {
			m.Content, m.Attachments = sum, 2
		}
		if m.Skip == "" {
			m.Guild, m.GuildName = 910101010101010101, "Harbour Town"
		}
		list = append(list, m)
	}
	general := archive.Channel{ID: 700000000000000001, Name: "general"}
	us := archive.Channel{ID: 700000000000000556, Name: "us"}
	add(0, archive.Message{Channel: general})
	add(1, archive.Message{Channel: general})
	add(2, archive.Message{Channel: archive.Channel{ID: 700000000000000007, Name: "boats", Thread: true}})
	add(4, archive.Message{Channel: archive.Channel{ID: 700000000000000009}, Skip: archive.NoGuild})
	add(6, archive.Message{Channel: archive.Channel{ID: 700000000000000555, Name: "Direct Message with otto#0001"}, Skip: archive.DirectMessage})
	add(8, archive.Message{Channel: us, Skip: archive.DirectMessage})
	add(9, archive.Message{Channel: us, Skip: archive.DirectMessage})
	return list
}

const general = "Messages/c700000000000000001/messages."

func TestOddMessages(t *testing.T) {
	tests := map[string]struct {
		name, text           string
		contents             []string
		malformed            int
		incomplete, noHeader bool
	}{
		"ids as texts":         {name: "json", text: `[{"ID":"747951969171144711","Contents":"a"}]`, contents: []string{"a"}},
		"ids as floats":        {name: "json", text: `[{"ID":7.479519691711447e17,"Contents":"a"},{"ID":747951969171144711.0},7,{}]`, malformed: 4},
		"other types":          {name: "json", text: `[{"ID":747951969171144711,"Contents":null,"Attachments":7,"New":{"x":[]}}]`, contents: []string{""}},
		"torn":                 {name: "json", text: `[{"ID":747951969171144711,"Contents":"a"},{"ID":747951969171144712,"Cont`, contents: []string{"a"}, incomplete: true},
		"empty":                {name: "json", text: ``, incomplete: true},
		"no list":              {name: "json", text: `{"ID":1}`, incomplete: true},
		"a table":              {name: "csv", text: "ID,Timestamp,Contents,Attachments\n747951969171144711,,a,\n", contents: []string{"a"}},
		"other columns":        {name: "csv", text: "\ufeffNew,Contents,ID\nx,a,747951969171144711\n", contents: []string{"a"}},
		"an empty table":       {name: "csv", text: ""},
		"no such columns":      {name: "csv", text: "a,b\n1,2\n", incomplete: true},
		"lines without a text": {name: "csv", text: "ID,Timestamp,Contents,Attachments\n\n747951969171144711,,,\n\r\nx,,,\n", contents: []string{""}, malformed: 1},
		"a torn table":         {name: "csv", text: "ID,Timestamp,Contents,Attachments\n747951969171144711,,a,\n747951969171144712,,\"b", contents: []string{"a"}, incomplete: true},
		"a torn row":           {name: "csv", text: "ID,Timestamp,Contents,Attachments\n747951969171144711,,a,\n747951969171", contents: []string{"a"}, incomplete: true},
		"the last row":         {name: "csv", text: "ID,Timestamp,Contents,Attachments\n747951969171144711,,a,", contents: []string{"a"}},
		"quotes in a text":     {name: "csv", text: "ID,Timestamp,Contents,Attachments\n747951969171144711,,a \"b\" c,\n", contents: []string{`a "b" c`}},
		"bytes of no text":     {name: "csv", text: "ID,Timestamp,Contents,Attachments\n747951969171144711,,\xff\xfe,\n", contents: []string{"\ufffd"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			fsys := files(corpus.Package(false, false))
			delete(fsys, general+"json")
			fsys[general+test.name] = &fstest.MapFile{Data: []byte(test.text)}
			k, result := read(t, fsys, "Messages")
			var contents []string
			others := 0
			for _, m := range k.messages {
				if m.Channel.Name == "general" {
					contents = append(contents, m.Content)
				} else {
					others++
				}
			}
			if !slices.Equal(contents, test.contents) || len(k.malformed) != test.malformed || result.Incomplete != test.incomplete {
				t.Errorf("%q, malformed: %q, incomplete: %v", contents, k.malformed, result.Incomplete)
			}
			if others != 5 {
				t.Errorf("%d messages of other channels", others)
			}
		})
	}
}

func TestNobodysPackage(t *testing.T) {
	for _, text := range []string{"", `{}`, `{"id":"x"}`, `[`} {
		fsys := files(corpus.Package(false, false))
		fsys["Account/user.json"].Data = []byte(text)
		if _, err := datapackage.Open(fsys, "Messages"); !errors.Is(err, datapackage.ErrNoAccount) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzMessages(f *testing.F) {
	f.Add(`[{"ID":747951969171144711,"Contents":"a","Attachments":""}]`, "ID,Timestamp,Contents,Attachments\n747951969171144711,,\"a\"\"b\",\n", `{"id":"1","type":"DM"}`)
	f.Fuzz(func(t *testing.T, json, csv, channel string) {
		fsys := files(corpus.Package(false, false))
		fsys[general+"json"].Data = []byte(json)
		fsys["Messages/c700000000000000007/channel.json"].Data = []byte(channel)
		delete(fsys, "Messages/c700000000000000007/messages.json")
		fsys["Messages/c700000000000000007/messages.csv"] = &fstest.MapFile{Data: []byte(csv)}
		k, _ := read(t, fsys, "Messages")
		for _, m := range k.messages {
			if m.ID == 0 || m.User == 0 || strings.ToValidUTF8(m.Content, "") != m.Content || m.Skip == "" && m.Guild == 0 {
				t.Errorf("%+v", m)
			}
		}
	})
}
