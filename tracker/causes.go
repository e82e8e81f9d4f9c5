package tracker

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/bwmarrin/discordgo"
)

// ErrRefused says that Discord refuses the token, the intents or the shards, which
// trying again does not change. The error that wraps it is one line that says what
// to do.
var ErrRefused = errors.New("refused by Discord")

// Why a connection to the gateway ended, beside the errors of the network.
var (
	errReconnect  = errors.New("asked by Discord to reconnect")
	errZombie     = errors.New("heartbeats are not acknowledged")
	errStuck      = errors.New("the session does not take in what came")
	errClosedHere = errors.New("closed by the session")
	errBrokenOff  = errors.New("the connection broke off")
	errPanic      = errors.New("a panic in the handler")
	errIntents    = errors.New("texts are to be stored from now on, which takes a session that asks for them")
)

// closeError is the closing frame of the server.
type closeError struct {
	code int
	text string
}

func (e *closeError) Error() string {
	if e.text == "" {
		return fmt.Sprintf("closed by Discord with code %d", e.code)
	}
	return fmt.Sprintf("closed by Discord with code %d (%s)", e.code, oneLine(e.text))
}

// invalidSession is op 9.
type invalidSession struct{ resumable bool }

func (e *invalidSession) Error() string {
	if e.resumable {
		return "Discord asked us to resume again"
	}
	return "Discord no longer knows the session"
}

// rejectError is a payload of the gateway that was left out, and why.
type rejectError struct{ reason string }

func (e *rejectError) Error() string { return "gateway payload left out: " + e.reason }

func reject(reason string) error { return &rejectError{oneLine(reason)} }

// fatal returns the error that ends the daemon if the cause of a connection's end
// is one that trying again does not change, else nil. The codes are those that
// Discord's documentation ("Gateway Close Event Codes") marks as not to reconnect.
func fatal(cause error) error {
	if e := (*discordgo.RESTError)(nil); errors.As(cause, &e) && e.Response.StatusCode == http.StatusUnauthorized {
		return fmt.Errorf("%w: %s", ErrRefused, refusedToken)
	}
	var e *closeError
	if !errors.As(cause, &e) {
		return nil
	}
	var what string
	switch e.code {
	case 4004:
		what = refusedToken
	case 4010:
		what = "the shard is invalid: check ROLLCALL_SHARDS and ROLLCALL_SHARD_IDS"
	case 4011:
		what = "the bot is in too many servers for this number of shards: raise ROLLCALL_SHARDS, or set it to auto, and start again"
	case 4012:
		what = "this version of the gateway is no longer served: a newer rollcall is needed"
	case 4013:
		what = "the intents are invalid: a newer rollcall is needed"
	case 4014:
		what = refusedIntents
	default:
		return nil
	}
	return fmt.Errorf("%w (code %d): %s", ErrRefused, e.code, what)
}

// refusedIntents tells of both cures: above the threshold the portal's switch has no effect.
const refusedIntents = "the intents are not allowed: turn on MESSAGE CONTENT INTENT for the bot in the developer portal " +
	"(https://discord.com/developers/applications, Bot, Privileged Gateway Intents) and start again; " +
	"a bot that 10,000 users or more can see needs Discord's approval instead of the switch (the same page, request the intent; reviewed again every year); " +
	"with ROLLCALL_STORE_CONTENT=false messages are counted without it"

const refusedToken = "the token is wrong: reset it in the developer portal (https://discord.com/developers/applications, Bot, Reset Token) " +
	"and put the new one into ROLLCALL_TOKEN or ROLLCALL_TOKEN_FILE"

// causeName names the kind of a connection's end, for counting: Discord's closing code
// ("4000"; "other" if it is none that the gateway's documentation or RFC 6455 has), or
// a word. There are 39 of them.
func causeName(cause error) string {
	if e := (*closeError)(nil); errors.As(cause, &e) {
		if e.code >= 1000 && e.code <= 1015 || e.code >= 4000 && e.code <= 4014 {
			return strconv.Itoa(e.code)
		}
		return "other"
	}
	switch {
	case errors.Is(cause, errReconnect):
		return "reconnect"
	case errors.As(cause, new(*invalidSession)):
		return "invalid_session"
	case errors.Is(cause, errZombie):
		return "no_ack"
	case errors.Is(cause, errStuck), errors.Is(cause, errPanic):
		return "stuck"
	case errors.Is(cause, errIntents):
		return "intents"
	case errors.As(cause, new(*tooManyRequests)):
		return "rate_limit"
	}
	return "network"
}

// endsSession reports whether the session cannot be resumed after this cause.
func endsSession(cause error) bool {
	if e := (*closeError)(nil); errors.As(cause, &e) {
		return e.code == 4007 || e.code == 4009 // invalid sequence, session timed out
	}
	if e := (*invalidSession)(nil); errors.As(cause, &e) {
		return !e.resumable
	}
	return errors.Is(cause, errIntents)
}

// oneLine makes a text from elsewhere fit for a log line.
func oneLine(s string) string {
	const most = 200
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
