package tracker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// maxAnswer bounds an answer in bytes. A hundred messages of the longest texts
	// and embeds that Discord allows stay below a third of it.
	maxAnswer   = 32 << 20
	restTimeout = 30 * time.Second
	restTries   = 5 // for a request that is answered 429, each after the wait it asks for
)

// refused is an answer that asking again will not change.
type refused struct {
	status  int    // of HTTP
	code    int    // Discord's own, 0 if none
	message string // Discord's own
}

func (e *refused) Error() string {
	return fmt.Sprintf("Discord answers %d %s (code %d: %s)", e.status, http.StatusText(e.status), e.code, e.message)
}

// statusOf returns the HTTP status of a refusal, 0 if err is none.
func statusOf(err error) int {
	var r *refused
	if errors.As(err, &r) {
		return r.status
	}
	return 0
}

// codeOf returns Discord's own code of a refusal, 0 if err is none.
func codeOf(err error) int {
	var r *refused
	if errors.As(err, &r) {
		return r.code
	}
	return 0
}

// errUnreachable says that there was no proper answer, and may be one later.
var errUnreachable = errors.New("no proper answer from Discord")

// rest asks Discord's REST interface. It waits where the rate limits tell it to and
// never sends more than restSpacing allows; the wait ends with the context. Its
// methods may be called from any goroutine. The token appears in no error.
type rest struct {
	base   string // such as https://discord.com/api/v9
	token  string
	agent  string // the User-Agent
	client *http.Client
	log    *slog.Logger
	limits limiter
	most   int64 // maxAnswer, less in tests
	// answers is the client's transport, and discordgo's.
	answers *answerCounter
}

// newREST asks the server at address, whose path (if any) comes before /api/v9.
func newREST(address, token, agent string, log *slog.Logger) *rest {
	answers := newAnswerCounter(http.DefaultTransport.(*http.Transport).Clone())
	return &rest{
		base:  strings.TrimRight(address, "/") + "/api/v9",
		token: token,
		agent: agent,
		client: &http.Client{
			Transport: answers,
			Timeout:   restTimeout,
			// A redirect is no answer of Discord, and must not be given the token.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		log:     log,
		limits:  newLimiter(),
		most:    maxAnswer,
		answers: answers,
	}
}

// get returns the body of an answer with status 200. route names what shares a rate
// limit: the path without what varies, and the channel. The error is a *refused, wraps
// errUnreachable, or is the context's.
func (r *rest) get(ctx context.Context, route, path string, query url.Values) ([]byte, error) {
	for try := 1; ; try++ {
		if err := r.limits.wait(ctx, route, r.noteWait); err != nil {
			return nil, err
		}
		answer, body, err := r.ask(ctx, path, query)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if answer != nil {
			r.limits.note(route, answer, body, try)
		}
		if err != nil {
			return nil, unanswered(err)
		}
		switch code := answer.StatusCode; {
		case code == http.StatusOK:
			return body, nil
		case code == http.StatusTooManyRequests && try < restTries:
		default:
			return nil, refusal(code, body)
		}
	}
}

// ask sends one request and reads its whole answer. The error wraps errOversized if that
// is too large.
func (r *rest) ask(ctx context.Context, path string, query url.Values) (*http.Response, []byte, error) {
	answer, err := r.send(ctx, path, query)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, r.most+1))
	if err == nil && int64(len(body)) > r.most {
		err = fmt.Errorf("%w: more than %d bytes", errOversized, r.most)
	}
	return answer, body, err
}

// send sends one request; the answer's body is to be closed.
func (r *rest) send(ctx context.Context, path string, query url.Values) (*http.Response, error) {
	address := r.base + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bot "+r.token)
	req.Header.Set("User-Agent", r.agent)
	return r.client.Do(req)
}

// ahead returns by how much Discord's clock is ahead of ours, as its last answer told; 0
// if it is less than a second, or behind. Its ids are of its own clock.
func (r *rest) ahead() time.Duration { return time.Duration(r.answers.ahead.Load()) }

// close ends idle connections.
func (r *rest) close() { r.client.CloseIdleConnections() }

func (r *rest) noteWait(d time.Duration) {
	r.log.Warn("Discord's REST interface refuses too much, waiting before the next request", "seconds", int(d.Seconds()))
}

// refusal makes an error of an answer whose status is not 200. It is a *refused only
// if Discord itself has said so, with its error object: a proxy's page, or the one
// with which an address is banned, says nothing about the channel that was asked for.
func refusal(code int, body []byte) error {
	var w struct {
		Code    loose[int] `json:"code"`
		Message text       `json:"message"`
	}
	switch code {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusGone:
		if json.Unmarshal(body, &w) == nil {
			return &refused{status: code, code: w.Code.value, message: oneLine(string(w.Message))}
		}
	}
	return unanswered(fmt.Errorf("the answer is %d %s", code, http.StatusText(code)))
}

// unanswered is the error of a request that got no answer, or something else than
// what it asked for: that may come from what stands between us and Discord.
func unanswered(err error) error { return fmt.Errorf("%w: %w", errUnreachable, err) }
