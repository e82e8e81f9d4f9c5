package store_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"rollcall/store"
)

// arrival is something that the store is given.
type arrival struct {
	record    store.Record
	uncounted bool
}

func (a arrival) arrive(t *testing.T, db *store.DB) {
	t.Helper()
	switch {
	case a.uncounted:
		mustPut(t, db, store.Batch{Uncounted: []store.Record{a.record}})
	case a.record.Source == store.SourceLog:
		mustImport(t, db, a.record)
	default:
		mustPut(t, db, store.Batch{Records: []store.Record{a.record}})
	}
}

// said is a message of a channel, some milliseconds after the test's beginning.
func said(id store.ID, channel store.Channel, content string, ms int64) arrival {
	r := live(1, 2, 0, content)
	r.Time, r.Message, r.Channel = r.Time+store.Micros(ms*1e3), id, channel
	return arrival{record: r}
}

// editedSince makes a message one that had been edited before it was seen.
func (a arrival) editedSince() arrival {
	a.record.Edited, a.record.Source = a.record.Time+30e6, store.SourceBackfill
	return a
}

func (a arrival) ofNoCount() arrival {
	a.uncounted = true
	return a
}

func wrote(channel store.Channel, content string, ms int64) arrival {
	r := logged(1, 2, 0, channel.Name, content)
	r.Time, r.Channel = r.Time+store.Micros(ms*1e3), channel
	return arrival{record: r}
}

// TestOneMessage states what is one message and what is two, in every order of arrival.
func TestOneMessage(t *testing.T) {
	general, lounge, pictures := store.Channel{ID: 7, Name: "general"}, store.Channel{ID: 7, Name: "lounge"}, store.Channel{ID: 8, Name: "pictures"}
	named := func(name string) store.Channel { return store.Channel{Name: name} }
	for name, test := range map[string]struct {
		given []arrival
		want  []string // channel, content and whether the logs had it
	}{
		"edited before it was seen":                 {[]arrival{said(1, general, "hello", 0).editedSince(), wrote(named("general"), "helo", 300)}, []string{"general hello true"}},
		"edited twice, and the same was said again": {[]arrival{said(1, general, "hello", 0).editedSince(), wrote(named("general"), "helo", 300), said(2, general, "helo", 900), wrote(named("general"), "helo", 1200)}, []string{"general hello true", "general helo true"}},
		"edited, and the logs had been away":        {[]arrival{said(1, general, "hello", 0).editedSince(), said(2, general, "hi", 5000), wrote(named("general"), "hi", 5300)}, []string{"general hello false", "general hi true"}},
		"edited in a channel that was renamed":      {[]arrival{said(1, lounge, "hello", 0).editedSince(), wrote(named("general"), "helo", 300)}, []string{"general helo true", "lounge hello false"}},
		"edited, its channel known by the id":       {[]arrival{said(1, lounge, "hello", 0).editedSince(), wrote(general, "helo", 300)}, []string{"lounge hello true"}},
		"what an edited message is not":             {[]arrival{said(1, general, "hello", 0).editedSince(), wrote(named("general"), "helo", 15_001)}, []string{"general hello false", "general helo true"}},
		"never edited":                              {[]arrival{said(1, general, "hello", 0), wrote(named("general"), "helo", 300)}, []string{"general hello false", "general helo true"}},
		"a channel that was renamed":                {[]arrival{said(1, lounge, "hi", 0), wrote(named("general"), "hi", 300)}, []string{"lounge hi true"}},
		"a channel of the same id":                  {[]arrival{said(1, lounge, "hi", 0), wrote(general, "hi", 59_000)}, []string{"lounge hi true"}},
		"a channel of another id":                   {[]arrival{said(1, general, "hi", 0), wrote(store.Channel{ID: 8, Name: "general"}, "hi", 300)}, []string{"general hi false", "general hi true"}},
		"a channel that took over the name":         {[]arrival{said(1, lounge, "hi", 0), wrote(store.Channel{ID: youngChannel, Name: "general"}, "hi", 300)}, []string{"lounge hi true"}},
		"a channel whose name nobody knew":          {[]arrival{said(1, store.Channel{ID: 7, Name: "unknown"}, "hi", 0), wrote(named("general"), "hi", 300)}, []string{"unknown hi true"}},
		"a line whose channel nobody knew":          {[]arrival{said(1, general, "hi", 0), wrote(named("unknown"), "hi", 300)}, []string{"general hi true"}},
		"a renamed channel, too late":               {[]arrival{said(1, lounge, "hi", 0), wrote(named("general"), "hi", 15_001)}, []string{"general hi true", "lounge hi false"}},
		"two channels at once":                      {[]arrival{said(1, general, "lol", 0), said(2, pictures, "lol", 400), wrote(named("general"), "lol", 500), wrote(named("pictures"), "lol", 450)}, []string{"general lol true", "pictures lol true"}},
		"two channels, a line is missing":           {[]arrival{said(1, general, "lol", 0), said(2, pictures, "lol", 400), wrote(named("general"), "lol", 450)}, []string{"general lol true", "pictures lol false"}},
		"two channels, a message is missing":        {[]arrival{said(1, general, "lol", 0), wrote(named("general"), "lol", 450), wrote(named("pictures"), "lol", 10)}, []string{"general lol true", "pictures lol true"}},
		"two channels, one of each, ids known":      {[]arrival{said(1, general, "lol", 0), wrote(pictures, "lol", 10)}, []string{"general lol false", "pictures lol true"}},
		"three times in a renamed channel":          {[]arrival{said(1, lounge, "lol", 0), said(2, lounge, "lol", 3000), said(3, lounge, "lol", 6000), wrote(named("general"), "lol", 200), wrote(named("general"), "lol", 3200), wrote(named("general"), "lol", 6200)}, []string{"lounge lol true", "lounge lol true", "lounge lol true"}},
		"a join":                                    {[]arrival{said(1, general, "", 0).ofNoCount(), wrote(named("general"), "", 300)}, nil},
		"a boost in a renamed channel":              {[]arrival{said(1, lounge, "3", 0).ofNoCount(), wrote(named("general"), "3", 300)}, nil},
		"a join without a line":                     {[]arrival{said(1, general, "", 0).ofNoCount(), said(2, general, "hi", 900), wrote(named("general"), "hi", 1000)}, []string{"general hi true"}},
		"a join, and a picture of the same person":  {[]arrival{said(1, general, "", 0).ofNoCount(), wrote(named("general"), "", 300), wrote(named("pictures"), "", 200)}, []string{"pictures  true"}},
		"a join beside an edited message":           {[]arrival{said(1, general, "", 0).ofNoCount(), wrote(named("general"), "", 300), said(2, general, "hello", 500).editedSince(), wrote(named("general"), "helo", 600)}, []string{"general hello true"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := openTemp(t)
			for number, order := range permutations(len(test.given)) {
				guild := store.ID(number + 1)
				for range 2 { // the second time it is all known
					for _, i := range order {
						a := test.given[i]
						a.record.Guild = guild
						a.arrive(t, db)
					}
					var have []string
					for _, r := range all(t, db, store.Query{Guild: guild}) {
						have = append(have, fmt.Sprintf("%s %s %t", r.Channel.Name, r.Content, r.InLogs))
					}
					slices.Sort(have)
					if !slices.Equal(have, test.want) {
						t.Fatalf("in order %v there is %q, want %q", order, have, test.want)
					}
				}
			}
		})
	}
}

// permutations returns the orders of n things; of many things only some.
func permutations(n int) (all [][]int) {
	if n == 0 {
		return [][]int{nil}
	}
	for _, p := range permutations(n - 1) {
		for i := n - 1; i >= 0; i-- {
			if all = append(all, slices.Insert(slices.Clone(p), i, n-1)); n > 4 && i < n-2 {
				break
			}
		}
	}
	return all
}

// What a message said before it was edited is kept as long as its line may be needed, and
// goes with the message's text, in every way in which that can go.
func TestFirstTextGoes(t *testing.T) {
	general := store.Channel{ID: 7, Name: "general"}
	edited := said(1, general, "second thoughts", 0).editedSince()
	first := wrote(store.Channel{Name: "general"}, "first thoughts", 900)
	nearer := wrote(store.Channel{Name: "general"}, "other thoughts", 100)
	for name, test := range map[string]struct {
		do   func(t *testing.T, db *store.DB)
		want []string // once a line has come that the message would rather have
	}{
		"not at all": {func(t *testing.T, db *store.DB) {}, []string{`"second thoughts" redacted:false`, `"first thoughts" redacted:false`}},
		"deleted": {func(t *testing.T, db *store.DB) {
			mustPut(t, db, store.Batch{Changes: []store.Change{of(edited.record, store.Redact)}})
		}, []string{`"" redacted:true`, `"" redacted:true`}},
		"removed": {func(t *testing.T, db *store.DB) {
			mustPut(t, db, store.Batch{Changes: []store.Change{of(edited.record, store.Remove)}})
		}, []string{`"" redacted:true`}},
		"too old": {func(t *testing.T, db *store.DB) { sweep(t, db, edited.record.Time+1e12) }, []string{`"" redacted:true`, `"" redacted:true`}},
		"edited to nothing and too old": {func(t *testing.T, db *store.DB) {
			c := of(edited.record, store.Edit)
			c.Edited = edited.record.Edited + 1
			mustPut(t, db, store.Batch{Changes: []store.Change{c}})
			sweep(t, db, edited.record.Time+1e12)
		}, []string{`"" redacted:true`, `"" redacted:true`}},
		"forgotten": {func(t *testing.T, db *store.DB) {
			if _, err := db.Forget(context.Background(), store.Person{User: 2}); err != nil {
				t.Fatal(err)
			}
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			db := openTemp(t)
			edited.arrive(t, db)
			first.arrive(t, db)
			test.do(t, db)
			found := false
			for _, value := range store.Dump(t, db) {
				found = found || strings.Contains(value, "first thoughts")
			}
			if found != (name == "not at all") {
				t.Errorf("the first text is in the file: %t", found)
			}
			first.arrive(t, db) // it is known
			nearer.arrive(t, db)
			first.arrive(t, db)
			var have []string
			for _, r := range all(t, db, store.Query{}) {
				have = append(have, fmt.Sprintf("%q redacted:%t", r.Content, r.Redacted))
			}
			if !slices.Equal(have, test.want) {
				t.Errorf("there is %q, want %q", have, test.want)
			}
		})
	}
}

// The line of a message that was edited before it was seen is what it was in an encrypted
// database, too, also after the key was changed.
func TestFirstTextEncrypted(t *testing.T) {
	path := t.TempDir() + "/rollcall.db"
	db := openWith(t, path, store.Options{Key: key(t, 1)})
	general := store.Channel{ID: 7, Name: "general"}
	said(1, general, "second thoughts", 0).editedSince().arrive(t, db)
	wrote(store.Channel{Name: "general"}, "first thoughts", 900).arrive(t, db)
	for _, value := range store.Dump(t, db) {
		if strings.Contains(value, "thoughts") {
			t.Errorf("a text is not encrypted: %q", value)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Rekey(context.Background(), path, store.RekeyOptions{Key: key(t, 1), New: key(t, 2)}); err != nil {
		t.Fatal(err)
	}
	db = openWith(t, path, store.Options{Key: key(t, 2)})
	defer db.Close()
	wrote(store.Channel{Name: "general"}, "other thoughts", 100).arrive(t, db)
	var have []string
	for _, r := range all(t, db, store.Query{}) {
		have = append(have, r.Content)
	}
	if want := []string{"second thoughts", "first thoughts"}; !slices.Equal(have, want) {
		t.Errorf("there is %q, want %q", have, want)
	}
	mustBeSound(t, db)
}

// What builds before format 4 kept of texts that are gone still finds its other side, and
// what is turned out is still known.
func TestOldHashes(t *testing.T) {
	general, lounge := store.Channel{ID: 7, Name: "general"}, store.Channel{ID: 7, Name: "lounge"}
	named := store.Channel{Name: "general"}
	for name, test := range map[string]struct {
		old   arrival
		given []arrival
		want  []string
	}{
		"a message and its line":            {said(1, general, "hi", 0), []arrival{wrote(named, "hi", 300)}, []string{`"" redacted:true logs:true`}},
		"a message and another line":        {said(1, general, "hi", 0), []arrival{wrote(named, "ho", 300)}, []string{`"" redacted:true logs:false`, `"ho" redacted:false logs:true`}},
		"a message that was renamed":        {said(1, lounge, "hi", 0), []arrival{wrote(named, "hi", 300)}, []string{`"" redacted:true logs:true`}},
		"a message with two lines":          {said(1, general, "hi", 0), []arrival{wrote(named, "hi", 900), wrote(named, "hi", 300), wrote(named, "hi", 900)}, []string{`"" redacted:true logs:true`, `"hi" redacted:false logs:true`}},
		"a message beside another":          {said(1, general, "hi", 0), []arrival{wrote(named, "hi", 900), said(2, general, "hi", 700), wrote(named, "hi", 900)}, []string{`"" redacted:true logs:false`, `"hi" redacted:false logs:true`}},
		"a line and its message":            {wrote(named, "hi", 300), []arrival{said(1, general, "hi", 0)}, []string{`"hi" redacted:false logs:true`}},
		"a line and a message elsewhere":    {wrote(named, "hi", 300), []arrival{said(1, lounge, "hi", 0)}, []string{`"hi" redacted:false logs:true`}},
		"a line and another message":        {wrote(named, "hi", 300), []arrival{said(1, general, "ho", 0)}, []string{`"ho" redacted:false logs:false`, `"" redacted:true logs:true`}},
		"a line and an edited message":      {wrote(named, "helo", 300), []arrival{said(1, general, "hello", 0).editedSince(), wrote(named, "helo", 300)}, []string{`"hello" redacted:false logs:true`}},
		"a line that is turned out and met": {wrote(named, "helo", 300), []arrival{said(1, general, "hello", 0).editedSince(), wrote(named, "hello", 500), wrote(named, "helo", 300), said(2, general, "helo", 200)}, []string{`"hello" redacted:false logs:true`, `"helo" redacted:false logs:true`}},
	} {
		t.Run(name, func(t *testing.T) {
			db := openTemp(t)
			if err := store.PutRedacted(db, test.old.record); err != nil {
				t.Fatal(err)
			}
			for _, a := range test.given {
				a.arrive(t, db)
			}
			var have []string
			for _, r := range all(t, db, store.Query{}) {
				have = append(have, fmt.Sprintf("%q redacted:%t logs:%t", r.Content, r.Redacted, r.InLogs))
			}
			equal(t, "what is there", have, test.want)
		})
	}
}

// A line that came late pairs with its message once the name of the message's channel is learnt.
func TestLearntNamePairs(t *testing.T) {
	db := openTemp(t)
	said(1, store.Channel{ID: 7, Name: store.UnknownChannel}, "hi", 0).arrive(t, db)
	wrote(store.Channel{Name: "general"}, "hi", 40_000).arrive(t, db)
	if n := len(all(t, db, store.Query{})); n != 2 {
		t.Fatalf("there are %d records before the name is known, want 2", n)
	}
	mustPut(t, db, store.Batch{Learned: []store.LearnedName{{Guild: 1, Channel: 7, Name: "general"}}})
	tasks, err := db.Tasks(context.Background())
	if err != nil || len(tasks) != 1 {
		t.Fatalf("there are the tasks %v, %v, want one", tasks, err)
	}
	if _, done, err := db.Step(context.Background(), tasks[0]); err != nil || !done {
		t.Fatalf("done %t, %v", done, err)
	}
	if have := all(t, db, store.Query{}); len(have) != 1 || !have[0].InLogs || have[0].Channel.Name != "general" {
		t.Errorf("there is %+v, want one record of both", have)
	}
}
