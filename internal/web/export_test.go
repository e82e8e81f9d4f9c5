package web

// What external tests check by itself.
var (
	SafeNext = safeNext
	Said     = said
	Ticks    = ticks
	Change   = change
)

// CookieName is the name of the session's cookie.
const CookieName = cookieName
