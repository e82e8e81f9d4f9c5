package tracker

import (
	"slices"
	"testing"

	"rollcall/store"
)

const (
	pageMessage2 = `{"id":"1002","channel_id":"5","author":{"id":"7"},"type":0,"content":"two","timestamp":"2026-05-11T06:30:00.123000+00:00"}`
	pageMessage1 = `{"id":"1001","channel_id":"5","author":{"id":"7"},"type":0,"content":"one","timestamp":"2026-05-11T06:30:00.122000+00:00","components":[{"type":99}]}`
)

func TestDecodePage(t *testing.T) {
	tests := []struct {
		name       string
		raw        string
		ids        []store.ID
		unreadable int
		last       store.ID
		fails      bool
	}{
		{name: "empty", raw: ` []`},
		{name: "newest first", raw: `[` + pageMessage2 + `,` + pageMessage1 + `]`, ids: []store.ID{1001, 1002}, last: 1002},
		{name: "one that cannot be read", raw: `[{"id":"1003","content":7},` + pageMessage1 + `]`, ids: []store.ID{1001}, unreadable: 1, last: 1003},
		{name: "one without an id", raw: `[7,` + pageMessage1 + `,null]`, ids: []store.ID{1001}, unreadable: 2, last: 1001},
		{name: "one with an id that cannot be", raw: `[{"id":"18446744073709551615"},` + pageMessage1 + `]`, ids: []store.ID{1001}, unreadable: 1, last: 1001},
		{name: "null", raw: `null`, fails: true},
		{name: "an error", raw: `{"message":"no"}`, fails: true},
		{name: "cut off", raw: `[` + pageMessage1, fails: true},
		{name: "nothing", raw: ``, fails: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := decodePage([]byte(test.raw))
			if (err != nil) != test.fails {
				t.Fatalf("error: %v", err)
			}
			var ids []store.ID
			for _, m := range p.messages {
				ids = append(ids, m.ID)
			}
			if !slices.Equal(ids, test.ids) || p.unreadable != test.unreadable || p.last != test.last {
				t.Errorf("got %v, %d unreadable, last %d", ids, p.unreadable, p.last)
			}
		})
	}
}

func FuzzDecodePage(f *testing.F) {
	for _, raw := range []string{`[]`, `null`, `[` + pageMessage2 + `,` + pageMessage1 + `]`, `[{"id":"18446744073709551615"},7,{"id":3}]`} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := decodePage(raw)
		if err != nil {
			return
		}
		if p.last > 1<<63-1 {
			t.Errorf("last id %d", p.last)
		}
		for i, m := range p.messages {
			if m.ID == 0 || m.ID > p.last || i > 0 && m.ID < p.messages[i-1].ID {
				t.Errorf("message %d of %d has the id %d, the last is %d", i, len(p.messages), m.ID, p.last)
			}
		}
	})
}

func TestDecodeArchived(t *testing.T) {
	const early, late = "2026-05-11T06:30:00.123456+00:00", "2026-05-12T00:00:00+00:00"
	threadOf := func(id, at string) string {
		return `{"id":"` + id + `","type":11,"name":"t","parent_id":"5","last_message_id":"99","thread_metadata":{"archived":true,"archive_timestamp":"` + at + `"}}`
	}
	earlyMicros, err := store.ParseMicros(early)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		raw   string
		ids   []store.ID
		want  archivedPage // without its threads
		fails bool
	}{
		{name: "none", raw: `{"threads":[],"members":[],"has_more":false}`},
		{
			name: "two", raw: `{"threads":[` + threadOf("8", late) + `,` + threadOf("9", early) + `],"has_more":true}`,
			ids: []store.ID{8, 9}, want: archivedPage{oldest: earlyMicros, lowest: 8, more: true},
		},
		{
			name: "one that cannot be read", raw: `{"threads":[7,{"id":"x"},` + threadOf("9", early) + `,{"id":"10","thread_metadata":[]}]}`,
			ids: []store.ID{9, 10}, want: archivedPage{oldest: earlyMicros, lowest: 9},
		},
		{name: "a strange moment", raw: `{"threads":[` + threadOf("9", "yesterday") + `]}`, ids: []store.ID{9}, want: archivedPage{lowest: 9}},
		{name: "a list", raw: `[]`, fails: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := decodeArchived([]byte(test.raw))
			if (err != nil) != test.fails {
				t.Fatalf("error: %v", err)
			}
			var ids []store.ID
			for _, c := range p.threads {
				ids = append(ids, c.ID)
			}
			if !slices.Equal(ids, test.ids) || p.oldest != test.want.oldest || p.lowest != test.want.lowest || p.more != test.want.more {
				t.Errorf("got %v, %+v", ids, p)
			}
		})
	}
}

func FuzzDecodeArchived(f *testing.F) {
	f.Add([]byte(`{"threads":[{"id":"9","thread_metadata":{"archive_timestamp":"2026-05-11T06:30:00+00:00"}}],"has_more":true}`))
	f.Add([]byte(`{"threads":{}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := decodeArchived(raw)
		if err != nil {
			return
		}
		for _, c := range p.threads {
			if c.ID == 0 || c.ID < p.lowest {
				t.Errorf("thread %d below the lowest, %d", c.ID, p.lowest)
			}
		}
	})
}
