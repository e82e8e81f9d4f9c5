package migration

import (
	"strings"
	"unicode"

	"rollcall/store"
)

// outcome is what a line counts as, as far as the line alone tells: whether a
// message is a duplicate only the store knows.
type outcome uint8

const (
	skipped outcome = iota
	message
	malformed
)

// What is wrong with a malformed line, as the quarantine list says it. They are
// constants, so that nothing of what people wrote gets into the list.
const (
	badJSON    = "not JSON"
	badRest    = "something stands behind the JSON object"
	badShape   = "not a JSON object"
	badUser    = "user_id is missing or no id"
	badTime    = "timestamp is missing or not in RFC 3339"
	badGuild   = "no guild id in the record or its folder's name"
	badMessage = "message is not text"
	badLength  = "longer than 16 MiB"
)

// unknownChannel is the name of a channel that the line does not name.
const unknownChannel = "unknown"

// maxDepth is how deep arrays and objects may be nested in a line, which is
// what encoding/json allows. Without a limit a long line of brackets would use
// up the stack.
const maxDepth = 10_000

// parse says what a line counts as. Of a message it fills in r, whose strings
// are parts of the line where the line has them as they are. folder is the
// guild whose id is the name of the folder that the file is in, 0 if none. For
// a malformed line it returns what is wrong.
func parse(line string, folder store.ID, r *store.Record) (outcome, string) {
	var f fields
	if reason := f.read(line); reason != "" {
		if isBlank(line) {
			return skipped, ""
		}
		return malformed, reason
	}
	return f.record(folder, r)
}

// isBlank reports whether there is nothing but Unicode white space.
func isBlank(line string) bool { return strings.TrimLeftFunc(line, unicode.IsSpace) == "" }

// fields are the values of a line that matter.
type fields struct {
	timestamp, server, channel, user, action, message value
	extraServer                                       value
	bare                                              int  // NaN, Infinity and -Infinity that were met
	manyUsers                                         bool // user_id was met more than once, of which the last one counts
}

// record decides about a line that is a JSON object.
func (f *fields) record(folder store.ID, r *store.Record) (outcome, string) {
	if f.action.text() != "receive_message" {
		return skipped, ""
	}
	user, err := store.ParseID(f.user.text())
	if err != nil {
		return malformed, badUser
	}
	at, err := store.ParseMicros(f.timestamp.text())
	if err != nil {
		return malformed, badTime
	}
	guild := f.guild(folder)
	if guild == 0 {
		return malformed, badGuild
	}
	if f.message.kind == other {
		return malformed, badMessage
	}
	channel := f.channel.text()
	if channel == "" {
		channel = unknownChannel
	}
	*r = store.Record{
		Guild: guild, User: user, Time: at, Channel: store.Channel{Name: channel},
		Content: f.message.text(), Source: store.SourceLog,
	}
	return message, ""
}

// guild returns the guild of a line, 0 if neither the line nor its folder tells.
func (f *fields) guild(folder store.ID) store.ID {
	guild, err := store.ParseID(f.extraServer.text())
	if err != nil {
		guild, err = store.ParseID(f.server.text())
	}
	if err != nil {
		return folder
	}
	return guild
}

// read finds the fields of a line. It returns "", or why the line is not a JSON object.
func (f *fields) read(s string) string {
	i := f.usual(s)
	if i > 0 {
		i = f.object(s, i, 1, onTop, true)
	} else {
		i = skipSpace(s, 0)
		if i == len(s) || s[i] != '{' {
			if end := f.value(s, i, 1, elsewhere, nil); end < 0 || skipSpace(s, end) < len(s) {
				return badJSON
			}
			return badShape
		}
		i = f.object(s, i+1, 1, onTop, false)
	}
	if i < 0 {
		return badJSON
	}
	if skipSpace(s, i) < len(s) {
		return badRest
	}
	if f.bare > 0 && f.readsBare() {
		return badJSON
	}
	return ""
}

// readsBare reports whether a value that matters has a bare word of Python in it.
func (f *fields) readsBare() bool {
	for _, v := range [...]*value{&f.timestamp, &f.server, &f.channel, &f.user, &f.action, &f.message, &f.extraServer} {
		if v.kind == bare {
			return true
		}
	}
	return false
}

// usual reads what nearly every line begins with, in the order and with the
// values that the bot writes, without looking for what else there might be. It
// returns the place behind the last member that it found: 0 if not even the first
// is there. From there object goes on, which knows every other order.
func (f *fields) usual(s string) int {
	i := 0
	for _, m := range [...]struct {
		lead string
		into *value
	}{
		{`{"timestamp":"`, &f.timestamp},
		{`,"level":"INFO","source":"server","server_id":"`, &f.server},
		{`,"channel_or_file":"`, &f.channel},
		{`,"user_id":"`, &f.user},
		{`,"action":"`, &f.action},
		{`,"message":"`, &f.message},
	} {
		end := m.into.readText(s, i, m.lead)
		if end < 0 {
			return i
		}
		i = end
	}
	if end := f.extraServer.readText(s, i, `,"trace_id":null,"extra":{"server_id":"`); end >= 0 {
		if s[end:] == "}}" {
			return end + 1
		}
		f.extraServer = value{}
	}
	return i
}

// readText reads the text that stands at i behind a lead, which ends with its
// opening quote. It returns the place behind it, -1 if there is none.
func (v *value) readText(s string, i int, lead string) int {
	if !strings.HasPrefix(s[i:], lead) {
		return -1
	}
	start := i + len(lead)
	end, marks := scanString(s, start)
	if end < 0 {
		return -1
	}
	*v = value{text, marks, s[start:end]}
	return end + 1
}

// scope says which object's members are read.
type scope uint8

const (
	elsewhere scope = iota
	onTop
	inExtra
)

// field returns where the value of a member is wanted, nil if it is not, and
// the scope that the value's own members are in.
func (f *fields) field(in scope, key string) (*value, scope) {
	switch in {
	case onTop:
		switch key {
		case "timestamp":
			return &f.timestamp, elsewhere
		case "server_id":
			return &f.server, elsewhere
		case "channel_or_file":
			return &f.channel, elsewhere
		case "user_id":
			f.manyUsers = f.manyUsers || f.user != value{}
			return &f.user, elsewhere
		case "action":
			return &f.action, elsewhere
		case "message":
			return &f.message, elsewhere
		case "extra":
			f.extraServer = value{} // of an earlier "extra": the last one counts, whole
			return nil, inExtra
		}
	case inExtra:
		if key == "server_id" {
			return &f.extraServer, elsewhere
		}
	}
	return nil, elsewhere
}

// object reads an object from the place behind its opening bracket, or, if it
// has begun, behind one of its members. It returns the place behind the object,
// -1 if this is none.
func (f *fields) object(s string, i, depth int, in scope, begun bool) int {
	i = skipSpace(s, i)
	if !begun && i < len(s) && s[i] == '}' {
		return i + 1
	}
	for {
		if begun {
			if i = skipSpace(s, i); i == len(s) || s[i] != ',' {
				return closing(s, i, '}')
			}
			i = skipSpace(s, i+1)
		}
		begun = true
		if i == len(s) || s[i] != '"' {
			return -1
		}
		end, marks := scanString(s, i+1)
		if end < 0 {
			return -1
		}
		var into *value
		inner := elsewhere
		if in != elsewhere {
			key := value{text, marks, s[i+1 : end]}
			into, inner = f.field(in, key.text())
		}
		if i = skipSpace(s, end+1); i == len(s) || s[i] != ':' {
			return -1
		}
		if i = f.value(s, skipSpace(s, i+1), depth+1, inner, into); i < 0 {
			return -1
		}
	}
}

// array reads an array from the place behind its opening bracket.
func (f *fields) array(s string, i, depth int) int {
	i = skipSpace(s, i)
	if i < len(s) && s[i] == ']' {
		return i + 1
	}
	for {
		if i = f.value(s, i, depth+1, elsewhere, nil); i < 0 {
			return -1
		}
		if i = skipSpace(s, i); i == len(s) || s[i] != ',' {
			return closing(s, i, ']')
		}
		i = skipSpace(s, i+1)
	}
}

// closing returns the place behind the bracket that must stand at i, -1 if it does not.
func closing(s string, i int, bracket byte) int {
	if i < len(s) && s[i] == bracket {
		return i + 1
	}
	return -1
}

// value reads the value at i into where it is wanted (nil: nowhere), and returns
// the place behind it, -1 if there is none. An object's members are in the given
// scope; depth is that of an array or object that starts here.
func (f *fields) value(s string, i, depth int, in scope, into *value) int {
	if i == len(s) {
		return -1
	}
	v, met := value{kind: other}, f.bare
	switch s[i] {
	case '"':
		end, marks := scanString(s, i+1)
		if end < 0 {
			return -1
		}
		v = value{text, marks, s[i+1 : end]}
		i = end + 1
	case '{', '[':
		if depth > maxDepth {
			return -1
		}
		if s[i] == '{' {
			i = f.object(s, i+1, depth, in, false)
		} else {
			i = f.array(s, i+1, depth)
		}
	case 'n':
		v.kind = null
		i = scanLiteral(s, i, "null")
	case 't':
		i = scanLiteral(s, i, "true")
	case 'f':
		i = scanLiteral(s, i, "false")
	case 'N', 'I', '-':
		i = f.number(s, i)
	default:
		i = scanNumber(s, i)
	}
	if into != nil {
		if f.bare > met {
			v.kind = bare
		}
		*into = v
	}
	return i
}

// number reads a number that may be one of those for which Python writes a bare word.
// That is no error in what does not matter.
func (f *fields) number(s string, i int) int {
	for _, word := range [...]string{"NaN", "Infinity", "-Infinity"} {
		if end := scanLiteral(s, i, word); end > 0 {
			f.bare++
			return end
		}
	}
	return scanNumber(s, i)
}
