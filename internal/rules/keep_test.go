package rules

import (
	"log/slog"
	"testing"
	"time"

	"rollcall/store"
)

// What is kept of a message of user 5 in guild 1 who answers user 6, written a day ago.
func TestApply(t *testing.T) {
	now := time.Date(2026, 5, 14, 12, 0, 0, 0, time.UTC)
	whole := store.Record{Guild: 1, User: 5, Time: store.MicrosOf(now.Add(-24 * time.Hour)), Content: "hi", ReplyTo: 7, ReplyToUser: 6}
	redacted, alone := whole, whole
	redacted.Redacted = true
	alone.ReplyTo, alone.ReplyToUser = 0, 0
	ids := func(list ...store.ID) []store.ID { return list }
	for name, test := range map[string]struct {
		o    Options
		file string
		want *store.Record // nil: nothing
		bad  bool
	}{
		"nothing is said":                      {want: &whole},
		"an empty file":                        {file: `{"mode":"unrestricted"}`, want: &whole},
		"the author is out":                    {o: Options{OptOut: ids(4, 5)}},
		"another is out":                       {o: Options{OptOut: ids(4)}, want: &whole},
		"who is answered is out":               {o: Options{OptOut: ids(6)}, want: &alone},
		"the author is out in this guild":      {file: `{"mode":"unrestricted","opt_out":["5"]}`},
		"another is out in this guild":         {file: `{"mode":"unrestricted","opt_out":["4"]}`, want: &whole},
		"one is out here, the other elsewhere": {o: Options{OptOut: ids(5)}, file: `{"mode":"unrestricted","opt_out":["6"]}`},
		"who is answered is out in this guild": {file: `{"mode":"unrestricted","opt_out":["6"]}`, want: &alone},
		"channels do not matter":               {o: Options{GuildsDeny: ids(1)}, file: `{"mode":"whitelist","whitelist":[]}`, want: &whole},
		"no texts":                             {o: Options{DropContent: true}, want: &redacted},
		"no texts in this guild":               {file: `{"mode":"unrestricted","store_content":false}`, want: &redacted},
		"texts in this guild alone":            {o: Options{DropContent: true}, file: `{"mode":"unrestricted","store_content":true}`, want: &whole},
		"too old":                              {o: Options{Retention: 24*time.Hour - time.Microsecond}, want: &redacted},
		"just not too old":                     {o: Options{Retention: 24 * time.Hour}, want: &whole},
		"a file that is none":                  {file: `{"opt_out":["4"]}`, bad: true},
	} {
		t.Run(name, func(t *testing.T) {
			test.o.Log = slog.New(slog.DiscardHandler)
			if test.file != "" {
				test.o.ConfigDir = t.TempDir()
				writeRules(t, test.o.ConfigDir, test.file)
			}
			r, err := New(test.o)
			if err != nil {
				t.Fatal(err)
			}
			r.now = func() time.Time { return now }
			rec := whole
			keep, err := r.Apply(&rec)
			if (err != nil) != test.bad || keep != (test.want != nil) || keep && rec != *test.want {
				t.Errorf("kept: %v, %+v, %v", keep, rec, err)
			}
		})
	}
}

// Of somebody of whom nothing is known, nothing is kept while anybody has opted out.
func TestApplyWithoutAuthor(t *testing.T) {
	for name, test := range map[string]struct {
		o    Options
		file string
		want bool
	}{
		"nobody is out":                {o: Options{Retention: time.Hour}, want: true},
		"somebody is out":              {o: Options{OptOut: []store.ID{9}}},
		"somebody is out in the guild": {file: `{"mode":"unrestricted","opt_out":["9"]}`},
	} {
		t.Run(name, func(t *testing.T) {
			test.o.Log = slog.New(slog.DiscardHandler)
			if test.file != "" {
				test.o.ConfigDir = t.TempDir()
				writeRules(t, test.o.ConfigDir, test.file)
			}
			r, err := New(test.o)
			if err != nil {
				t.Fatal(err)
			}
			if keep, err := r.Apply(&store.Record{Guild: 1, Time: store.MicrosOf(time.Now())}); err != nil || keep != test.want {
				t.Errorf("kept: %v, %v", keep, err)
			}
		})
	}
}
