package civil_test

import (
	"errors"
	"strings"
	"testing"

	"rollcall/internal/civil"
)

func TestParseZone(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Berlin", "Asia/Kathmandu", "America/Argentina/ComodRivadavia", "Etc/GMT+5", "America/Port-au-Prince"} {
		if z, err := civil.ParseZone(name); err != nil || z.String() != name {
			t.Errorf("%q: got %v, %v", name, z, err)
		}
	}
	for _, name := range []string{
		"", "Local", "local", "localtime", "Mars/Olympus", "../etc/passwd", "Europe/../UTC", "/usr/share/zoneinfo/UTC", `..\x`, "right/UTC",
		"Europe", "zone.tab", "Europe/Berlin ", "\x00", "ü", strings.Repeat("UTC/", 10_000),
	} {
		if z, err := civil.ParseZone(name); !errors.Is(err, civil.ErrBadZone) {
			t.Errorf("%.64q: got %v, %v", name, z, err)
		}
	}
}
