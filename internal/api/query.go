package api

import (
	"encoding/base64"
	"encoding/binary"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"

	"rollcall/store"
)

const (
	// MaxLimit is the most records that a page of messages has.
	MaxLimit     = 1000
	defaultLimit = 50
	maxName      = 200  // bytes of a guild's, a channel's or a user's name; Discord allows 100 characters
	maxPattern   = 1000 // bytes of a regular expression
)

// query is what a caller selects, checked. Guild and user are still as the caller
// named them.
type query struct {
	guild, user, channel string
	when                 store.Range
	grep                 *regexp.Regexp
	limit                int
	cursor               *store.Position
	format               string
}

// CheckQuery says what is wrong with query parameters, if anything, before they
// are sent. The error is a *Problem, as the server would answer.
func CheckQuery(values url.Values) error {
	_, err := parseQuery(values, "guild", "user", "channel", "since", "until", "grep", "limit", "cursor", "format")
	return err
}

// parseQuery checks the parameters, of which only the named ones may occur, once
// each: a misspelt filter must not silently select everything.
func parseQuery(values url.Values, allowed ...string) (query, error) {
	// Not the zero range, which means all time too: since and until may both be the epoch.
	q := query{when: allTime(), limit: defaultLimit, format: "ndjson"}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		given := values[name]
		if !slices.Contains(allowed, name) {
			return q, problem(http.StatusBadRequest, "no such parameter: %.64q", name)
		}
		if len(given) > 1 {
			return q, problem(http.StatusBadRequest, "%s is given %d times", name, len(given))
		}
		if err := q.set(name, given[0]); err != nil {
			return q, err
		}
	}
	if q.when.From >= q.when.To {
		return q, problem(http.StatusBadRequest, "until %s is not later than since %s", q.when.To, q.when.From)
	}
	return q, nil
}

func (q *query) set(name, value string) error {
	if !utf8.ValidString(value) {
		return problem(http.StatusBadRequest, "%s is not UTF-8", name)
	}
	switch name {
	case "guild":
		q.guild = value
		return checkName(name, value)
	case "user":
		q.user = value
		return checkName(name, value)
	case "channel":
		q.channel = value
		return checkName(name, value)
	case "since", "until":
		at, err := parseTime(value)
		if err != nil {
			return problem(http.StatusBadRequest, "%s cannot be %.64q: want RFC 3339 such as 2026-05-11T06:30:00Z, or YYYY-MM-DD", name, value)
		}
		if name == "since" {
			q.when.From = at
		} else {
			q.when.To = at
		}
	case "grep":
		if len(value) > maxPattern {
			return problem(http.StatusBadRequest, "grep is %d bytes long: want at most %d", len(value), maxPattern)
		}
		pattern, err := regexp.Compile(value)
		if err != nil {
			return problem(http.StatusBadRequest, "grep cannot be %.64q: %v", value, err)
		}
		q.grep = pattern
	case "limit":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > MaxLimit {
			return problem(http.StatusBadRequest, "limit cannot be %.64q: want a whole number from 1 to %d", value, MaxLimit)
		}
		q.limit = n
	case "cursor":
		at, ok := parseCursor(value)
		if !ok {
			return problem(http.StatusBadRequest, "cursor cannot be %.64q: want one from a Link header of this question", value)
		}
		q.cursor = &at
	case "format":
		if value != "ndjson" && value != "csv" {
			return problem(http.StatusBadRequest, "format cannot be %.64q: want ndjson or csv", value)
		}
		q.format = value
	}
	return nil
}

func checkName(what, text string) error {
	if text == "" || len(text) > maxName {
		return problem(http.StatusBadRequest, "%s cannot be %.64q: want an id or a name of at most %d bytes", what, text, maxName)
	}
	return nil
}

// match returns what the store is to ask of each record; nil if there is nothing.
func (q *query) match() func(*store.Record) bool {
	if q.channel == "" && q.grep == nil {
		return nil
	}
	channelID, _ := store.ParseID(q.channel) // a channel may also be called "2024"
	return func(r *store.Record) bool {
		if q.channel != "" && r.Channel.Name != q.channel && (channelID == 0 || r.Channel.ID != channelID) {
			return false
		}
		return q.grep == nil || q.grep.MatchString(r.Content)
	}
}

// parseTime reads an instant, or a day as the instant at which it begins.
func parseTime(text string) (store.Micros, error) {
	if len(text) == len("2006-01-02") {
		text += "T00:00:00Z"
	}
	return store.ParseMicros(text)
}

// allTime returns a range of everything that can be stored.
func allTime() store.Range {
	from, _ := store.ParseMicros("0000-01-01T00:00:00Z")
	last, _ := store.ParseMicros("9999-12-31T23:59:59.999999Z")
	return store.Range{From: from, To: last + 1}
}

const cursorSize = 4 * 8

// cursorOf writes a position as the text that parseCursor reads: its four
// numbers, big-endian, in URL-safe base64.
func cursorOf(p store.Position) string {
	b := make([]byte, 0, cursorSize)
	b = binary.BigEndian.AppendUint64(b, uint64(p.Guild))
	b = binary.BigEndian.AppendUint64(b, uint64(p.Time))
	b = binary.BigEndian.AppendUint64(b, uint64(p.User))
	b = binary.BigEndian.AppendUint64(b, p.Key)
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseCursor(text string) (store.Position, bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != cursorSize {
		return store.Position{}, false
	}
	p := store.Position{
		Guild: store.ID(binary.BigEndian.Uint64(b)),
		Time:  store.Micros(binary.BigEndian.Uint64(b[8:])),
		User:  store.ID(binary.BigEndian.Uint64(b[16:])),
		Key:   binary.BigEndian.Uint64(b[24:]),
	}
	all := allTime()
	return p, p.Time >= all.From && p.Time < all.To
}
