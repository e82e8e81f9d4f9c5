package storetest

import (
	"testing"
	"time"
)

// Patience bounds every wait. It is what a loaded machine may need, and no measure of speed.
const Patience = time.Minute

// Eventually waits until done returns true, and ends the test if it never does.
func Eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	ticks := time.NewTicker(2 * time.Millisecond)
	defer ticks.Stop()
	for deadline := time.Now().Add(Patience); !done(); <-ticks.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}
