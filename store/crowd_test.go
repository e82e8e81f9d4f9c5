package store_test

import (
	"math/rand/v2"
	"strings"

	"rollcall/store"
)

// crowd is a thousand people of whom few say most, a hundred messages a minute.
type crowd struct {
	r   *rand.Rand
	who *rand.Zipf
	now store.Micros
}

func newCrowd() *crowd {
	r := rand.New(rand.NewPCG(1, 2))
	now, err := store.ParseMicros("2026-01-05T00:00:00Z")
	if err != nil {
		panic(err)
	}
	return &crowd{r, rand.NewZipf(r, 1.1, 8, 999), now}
}

// records returns the next messages, all of one guild.
func (c *crowd) records(n int) []store.Record {
	records := make([]store.Record, n)
	for i := range records {
		c.now += store.Micros(1 + c.r.IntN(1_200_000))
		records[i] = store.Record{
			Guild: 1, User: store.ID(1000 + c.who.Uint64()*7919%1000), Time: c.now, Message: store.ID(c.now) << 8,
			Channel: store.Channel{ID: 5, Name: "general"}, Content: strings.Repeat("some words ", c.r.IntN(9)), Source: store.SourceLive,
		}
	}
	return records
}
