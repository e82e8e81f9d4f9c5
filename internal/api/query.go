package api

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"rollcall/internal/portrait"
	"rollcall/internal/search"
	"rollcall/store"
)

const (
	// MaxLimit is the most elements that a list has: records, leaders, words.
	MaxLimit = 1000
	// MaxChannels is how many the parameter channels names.
	MaxChannels = 100
	maxName     = 200 // bytes of a guild's, a channel's or a user's name; Discord allows 100 characters

	maxTokens     = 8000 // of a portrait
	defaultTokens = 500
)

// parameters are all that any path may have, in the order in which they are
// checked: since and until depend on tz.
var parameters = []string{"tz", "since", "until", "window", "guild", "user", "channel", "channels", "guilds", "as", "grep", "q", "by", "limit", "before", "after", "tokens", "names", "cursor", "format"}

// query is what a caller selects, checked. Guild and user are still as the caller
// named them.
type query struct {
	guild, user, channel string
	channels, guilds     []store.ID // nil: all
	as                   store.ID   // the member who asks, 0: the operator
	zone                 *time.Location
	window               int         // days up to today, 0 unless given as such
	when                 store.Range // from since to until
	dates                int         // how many of them are given as days
	grep                 *pattern
	search               *search.Query
	limit                int // 0 unless given
	before, after        int // messages around one
	tokens               int
	by                   store.By
	names                bool
	cursor               *store.Position
	format               string // "" unless given
}

// CheckQuery says what is wrong with query parameters, if anything, before they
// are sent. The error is a *Problem, as the server would answer.
func CheckQuery(values url.Values) error {
	_, err := parseQuery(values, nil, time.Now(), parameters...)
	return err
}

// parseQuery checks the parameters, of which only the named ones may occur, once
// each: a misspelt filter must not silently select everything. The zone is the one
// to take if none is named; it may be nil if that is not known. Now tells today.
func parseQuery(values url.Values, zone *time.Location, now time.Time, allowed ...string) (query, error) {
	// Not the zero range, which means all time too: since and until may both be the epoch.
	q := query{when: allTime(), zone: zone, tokens: defaultTokens, before: defaultAround, after: defaultAround}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(allowed, name) {
			return q, problem(http.StatusBadRequest, "no such parameter: %.64q", name)
		}
		if given := len(values[name]); given > 1 {
			return q, problem(http.StatusBadRequest, "%s is given %d times", name, given)
		}
	}
	for _, name := range parameters {
		if !values.Has(name) {
			continue
		}
		if err := q.set(name, values.Get(name), now); err != nil {
			return q, err
		}
		if values.Has("window") && (name == "since" || name == "until") {
			return q, problem(http.StatusBadRequest, "window and %s exclude each other", name)
		}
	}
	comparable := q.zone != nil || q.dates != 1 // a day and an instant are not without a zone
	if q.when.From >= q.when.To && comparable {
		return q, problem(http.StatusBadRequest, "until %s is not later than since %s", q.when.To, q.when.From)
	}
	return q, nil
}

func (q *query) set(name, value string, now time.Time) error {
	if !utf8.ValidString(value) {
		return problem(http.StatusBadRequest, "%s is not UTF-8", name)
	}
	refused := func(want string) error {
		return problem(http.StatusBadRequest, "%s cannot be %.64q: want %s", name, value, want)
	}
	var ok bool
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
	case "channels", "guilds":
		ids, err := parseIDs(name, value)
		if name == "channels" {
			q.channels = ids
		} else {
			q.guilds = ids
		}
		return err
	case "as":
		id, err := store.ParseID(value)
		if err != nil || id == store.DeletedUser {
			return refused("the id of a user")
		}
		q.as = id
	case "tz":
		zone, err := store.ParseZone(value)
		if err != nil {
			return problem(http.StatusBadRequest, "tz cannot be %.64q: %v", value, err)
		}
		q.zone = zone
	case "window":
		if q.window, ok = parseWindow(value); !ok {
			return refused("a number of days, weeks or years such as 7d, 30d, 2w or 1y, or all")
		}
	case "since", "until":
		at, isDay, err := parseTime(value, q.zone)
		if err != nil {
			return refused("RFC 3339 such as 2026-05-11T06:30:00Z, or YYYY-MM-DD, or how long ago: 7d, 12h")
		}
		if isDay {
			q.dates++
		}
		if name == "since" {
			q.when.From = at
		} else {
			q.when.To = at
		}
	case "grep":
		grep, err := parsePattern(value)
		if err != nil {
			return err
		}
		q.grep = grep
	case "q":
		var err error
		if q.search, err = search.Parse(value, cmp.Or(q.zone, time.UTC), now); err != nil {
			return problem(http.StatusBadRequest, "the query is wrong at %v", err)
		}
	case "limit":
		if q.limit, ok = number(value, 1, MaxLimit); !ok {
			return refused("a whole number from 1 to " + strconv.Itoa(MaxLimit))
		}
	case "before", "after":
		n, ok := number(value, 0, maxAround)
		if !ok {
			return refused("a whole number from 0 to " + strconv.Itoa(maxAround))
		}
		if name == "before" {
			q.before = n
		} else {
			q.after = n
		}
	case "tokens":
		if q.tokens, ok = number(value, portrait.MinTokens, maxTokens); !ok {
			return refused("a whole number from " + strconv.Itoa(portrait.MinTokens) + " to " + strconv.Itoa(maxTokens))
		}
	case "by":
		switch value {
		case "messages":
			q.by = store.ByMessages
		case "days":
			q.by = store.ByDays
		default:
			return refused("messages or days")
		}
	case "names":
		if q.names = value == "true"; !q.names && value != "false" {
			return refused("true or false")
		}
	case "cursor":
		at, ok := parseCursor(value)
		if !ok {
			return refused("one from a Link header of this question")
		}
		q.cursor = &at
	case "format":
		q.format = value // see formatOf
	}
	return nil
}

// parseIDs reads ids that are separated by commas.
func parseIDs(name, value string) (ids []store.ID, err error) {
	texts := strings.Split(value, ",")
	if len(texts) > MaxChannels {
		return nil, problem(http.StatusBadRequest, "%s are %d: want at most %d", name, len(texts), MaxChannels)
	}
	for _, text := range texts {
		id, err := store.ParseID(text)
		if err != nil {
			return nil, problem(http.StatusBadRequest, "%s cannot have %.64q: want ids, separated by commas", name, text)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// number reads a whole number in decimal.
func number(text string, least, most int) (int, bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= least && n <= most
}

// formatOf returns the format that is asked for, of those that a path has; the first unless one is given.
func (q *query) formatOf(formats ...string) (string, error) {
	if q.format == "" {
		return formats[0], nil
	}
	if !slices.Contains(formats, q.format) {
		return "", problem(http.StatusBadRequest, "format cannot be %.64q: want %s", q.format, strings.Join(formats, " or "))
	}
	return q.format, nil
}

// limitOr returns the limit, or another if none is given.
func (q *query) limitOr(n int) int {
	if q.limit == 0 {
		return n
	}
	return q.limit
}

func checkName(what, text string) error {
	if text == "" || len(text) > maxName {
		return problem(http.StatusBadRequest, "%s cannot be %.64q: want an id or a name of at most %d bytes", what, text, maxName)
	}
	return nil
}

// selected returns the records of a guild that are asked for; user and channel are to be
// found yet.
func (q *query) selected(guild store.ID) store.Query {
	selected := store.Query{Guild: guild, When: q.when}
	if q.grep != nil {
		selected.Text = q.grep.match
	}
	return selected
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

// query checks the parameters of a request.
func (s *Server) query(r *http.Request, allowed ...string) (query, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return query{}, problem(http.StatusBadRequest, "the query cannot be read: %v", err)
	}
	return parseQuery(values, s.zone, s.now(), allowed...)
}
