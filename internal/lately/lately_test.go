package lately_test

import (
	"testing"

	"rollcall/internal/lately"
	"rollcall/internal/snowflake"
)

func TestMap(t *testing.T) {
	m := lately.Map[string]{Most: 3}
	if _, ok := m.Get(1); ok {
		t.Error("it knows what was never added")
	}
	for id := range snowflake.ID(10) {
		m.Add(id, "first")
		m.Add(id, "again")
		for known := range id + 1 {
			value, ok := m.Get(known)
			if want := known+3 > id; ok != want || ok && value != "again" {
				t.Errorf("with 0 to %d: %d is %q, %v, want it known: %v", id, known, value, ok, want)
			}
		}
	}
}
