package cli_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/store"
)

// oddNames are names that mean something else in a path unless they are escaped.
var oddNames = []string{".", "..", "...", "a/b", "/", "//", "../..", "%2e%2e", "%2F", "a b", "?tz=x", "#", ";", "tombstone", "top", `\`, "+", "*"}

// A person is found by any name, and so is a guild: the answer is about them and nobody else.
func TestOddNames(t *testing.T) {
	folder := t.TempDir()
	db, err := store.Open(filepath.Join(folder, "rollcall.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	now := store.MicrosOf(time.Now())
	var b store.Batch
	for i, name := range oddNames {
		guild, user := store.ID(1000+i), store.ID(2000+i)
		b.Names = append(b.Names, store.Name{Guild: guild, Name: name}, store.Name{Guild: guild, User: user, Name: name})
		for n := range 2 {
			b.Records = append(b.Records, store.Record{Guild: guild, User: user + store.ID(100*n), Time: now, Message: store.ID(3000 + 100*n + i),
				Channel: store.Channel{ID: 9, Name: "general"}, Content: "hi", Source: store.SourceLive})
		}
	}
	if _, err := db.Put(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	ask := func(into any, args ...string) {
		t.Helper()
		cmd := exec.Command(plain, args...)
		cmd.Dir, cmd.Env = folder, environ()
		var stderr strings.Builder
		cmd.Stderr = &stderr
		text, err := cmd.Output()
		if err == nil {
			err = json.Unmarshal(text, into)
		}
		if err != nil {
			t.Fatalf("rollcall %q: %v: %s%s", args, err, text, stderr.String())
		}
	}
	for i, name := range oddNames {
		guild, user := store.ID(1000+i).String(), store.ID(2000+i).String()
		var about struct {
			Guild string `json:"guild_id"`
			User  string `json:"user_id"`
			Total int    `json:"total_messages"`
		}
		ask(&about, "user", name, name, "--json")
		if about.Guild != guild || about.User != user || about.Total != 1 {
			t.Errorf("user %q: %+v", name, about)
		}
		ask(&about, "guild", name, "--json")
		if about.Guild != guild || about.Total != 2 {
			t.Errorf("guild %q: %+v", name, about)
		}
		var list []struct {
			Guild string `json:"guild_id"`
			User  string `json:"user_id"`
		}
		ask(&list, "messages", name, "--user", name, "--json")
		if len(list) != 1 || list[0].Guild != guild || list[0].User != user {
			t.Errorf("messages %q: %+v", name, list)
		}
		var leaders []any
		if ask(&leaders, "top", name, "--json"); len(leaders) != 2 {
			t.Errorf("top %q: %v", name, leaders)
		}
		var erased struct {
			User     string `json:"user_id"`
			Guild    string `json:"guild_id"`
			Messages int    `json:"messages"`
		}
		ask(&erased, "forget", name, "--guild", name, "--yes", "--json")
		if erased.User != user || erased.Guild != guild || erased.Messages != 1 {
			t.Errorf("forget %q: %+v", name, erased)
		}
		// Their name is gone with them, and "." must not be resolved to somebody else.
		cmd := exec.Command(plain, "remember", name)
		cmd.Dir, cmd.Env = folder, environ()
		if text, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(text), "no such user") {
			t.Errorf("remember %q: %v: %s", name, err, text)
		}
	}
}
