//go:build unix

package cli_test

import (
	"slices"
	"strings"
	"testing"

	"rollcall/internal/doctor"
)

// Who asks beside a daemon without its settings is told that the daemon has a token, and the
// clock is that of the daemon's Discord.
func TestDoctorBesideADaemon(t *testing.T) {
	folder, _ := loungeDaemon(t)
	if err := waitFor(func() bool {
		checks, code := examine(t, folder)
		for _, c := range checks {
			if c.Check == doctor.Token && !c.OK && code == 1 && strings.HasPrefix(c.Detail, "no token is set here; the daemon has its own: 1 shard connected") {
				return slices.ContainsFunc(checks, func(c doctor.Check) bool { return c.Check == doctor.Clock && c.OK })
			}
		}
		return false
	}); err != nil {
		checks, _ := examine(t, folder)
		t.Errorf("%v: %+v", err, checks)
	}
}
