package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"rollcall/internal/api"
	"rollcall/internal/storetest"
	"rollcall/store"
)

// A profile's totals, name and words are of one moment, however much is written meanwhile.
func TestProfileAgreesWithItself(t *testing.T) {
	db := storetest.New(t, store.Options{})
	say := func(i int) error {
		when := at(0) + store.Micros(i)*1e3
		_, err := db.Put(context.Background(), store.Batch{
			Records: []store.Record{{
				Guild: guildA, User: anna, Time: when, Message: snowflake(when, 0), Channel: store.Channel{ID: 901, Name: "general"},
				Content: "hello", Source: store.SourceLive,
			}},
			Names: []store.Name{{Guild: guildA, User: anna, Name: fmt.Sprint("said ", i)}},
		})
		return err
	}
	if err := say(1); err != nil {
		t.Fatal(err)
	}
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		for i := 2; ; i++ {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			if err := say(i); err != nil {
				stopped <- err
				return
			}
		}
	}()
	front := server(db, "")
	seen := map[int64]bool{}
	for range 300 {
		answer := get(t, front, "/v1/guilds/"+guildA.String()+"/users/"+anna.String())
		var user api.User
		if err := json.Unmarshal(answer.Body.Bytes(), &user); err != nil {
			t.Fatalf("%v: %s", err, answer.Body)
		}
		seen[user.Messages] = true
		if len(user.TopWords) != 1 || user.TopWords[0].Count != user.Messages || user.Name != fmt.Sprint("said ", user.Messages) {
			t.Errorf("%d messages, %v, by %q", user.Messages, user.TopWords, user.Name)
			break
		}
	}
	close(stop)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if len(seen) < 2 {
		t.Error("nothing was written meanwhile")
	}
}
