package rules

import (
	"log/slog"
	"testing"
	"time"

	"rollcall/store"
)

// Every line of the logs is asked about, so it must cost little beside parsing it.
func BenchmarkApply(b *testing.B) {
	for name, o := range map[string]Options{
		"nothing is said": {},
		"opt-out":         {OptOut: []store.ID{1, 2, 3}},
		"retention":       {Retention: time.Hour},
		"files":           {ConfigDir: b.TempDir()},
	} {
		b.Run(name, func(b *testing.B) {
			o.Log = slog.New(slog.DiscardHandler)
			r, err := New(o)
			if err != nil {
				b.Fatal(err)
			}
			rec := store.Record{Guild: 1, User: 5, Content: "hi"}
			for b.Loop() {
				if _, err := r.Apply(&rec); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
