package cli_test

import (
	"errors"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"rollcall/store"
)

// People read the names of the channels that have gaps, as far as they are known; the search
// for archived threads is of no channel.
func TestStateNamesChannels(t *testing.T) {
	folder := t.TempDir()
	db, err := store.Open(filepath.Join(folder, "rollcall.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	gap := func(channel store.ID) store.Gap {
		return store.Gap{Guild: 11, Channel: channel, After: 3, Until: 9, From: 4, To: 5, Reason: "stopped", State: store.GapFilled}
	}
	_, err = db.Put(t.Context(), store.Batch{
		Records: []store.Record{{Guild: 11, User: 5, Time: 7, Message: 1 << 30, Channel: store.Channel{ID: 21, Name: "weekend plans"}, Content: "hi", Source: store.SourceLive}},
		Names:   []store.Name{{Guild: 11, Name: "The Lounge"}},
		Gaps:    []store.Gap{gap(21), gap(22), gap(11)},
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(plain, "state")
	cmd.Dir, cmd.Env = folder, environ()
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, channel := range []string{"weekend plans", "22", "-"} {
		if !regexp.MustCompile(`(?m)^The Lounge +` + channel + ` +1970-`).Match(text) {
			t.Errorf("there is no gap of %q in\n%s", channel, text)
		}
	}
}
