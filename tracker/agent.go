package tracker

import (
	"cmp"
	"reflect"
	"strings"
)

// homepage returns the address under which the User-Agent says that rollcall is described:
// that of the module that this build was made of, so that a fork names itself.
func homepage() string {
	return "https://pkg.go.dev/" + strings.TrimSuffix(reflect.TypeFor[Tracker]().PkgPath(), "/tracker")
}

// userAgent returns what rollcall calls itself, in the form that Discord's
// documentation ("User Agent") asks for: DiscordBot (URL, VERSION). version is that of
// the program; what may not stand in it is left out.
func userAgent(version string) string {
	version = strings.Map(func(r rune) rune {
		if r <= ' ' || r >= 0x7f || strings.ContainsRune(`(),\`, r) {
			return -1
		}
		return r
	}, version)
	return "DiscordBot (" + homepage() + ", " + cmp.Or(version, "devel") + ")"
}
