package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"rollcall/config"
	"rollcall/internal/api"
	"rollcall/store"
)

const (
	// lockWait is how long a command goes on trying if the database is held by
	// somebody who does not answer: a daemon that is just starting or stopping, or
	// another command that reads.
	lockWait = 5 * time.Second
	// oneLock is how much of it is waited for the lock before the socket is tried again.
	oneLock = 250 * time.Millisecond
	// answerTime is above the time that the server gives itself for an answer.
	answerTime = 2 * time.Minute
)

// source answers requests about a database: the daemon that holds it, or this
// process, which has opened it.
type source struct {
	client *http.Client
	waits  *http.Client // for what takes as long as it takes
	db     string       // the database that was asked for
	daemon bool         // not this process
	close  func() error
}

// openSource finds out who answers. The caller closes the source.
func openSource(ctx context.Context, c config.Config) (*source, error) {
	daemon, db, err := reach(ctx, c, store.Options{})
	if err != nil || daemon != nil {
		return daemon, err
	}
	return ownSource(db, c), nil
}

// reach finds out who has the database: a daemon, or else nobody, in which case it is
// opened with the options. The caller closes what is returned.
func reach(ctx context.Context, c config.Config, o store.Options) (*source, *store.DB, error) {
	o.MustExist, o.LockTimeout, o.Key = true, oneLock, c.EncryptionKey()
	for deadline := time.Now().Add(lockWait); ; {
		if conn, err := api.DialSocket(ctx, c.SocketPath()); err == nil {
			conn.Close()
			return daemonSource(c), nil, nil
		}
		db, err := store.Open(c.DB, o)
		switch {
		case err == nil:
			return nil, db, nil
		case ctx.Err() != nil:
			return nil, nil, ctx.Err()
		case errors.Is(err, fs.ErrNotExist):
			return nil, nil, fmt.Errorf("no database at %q: rollcall run and rollcall migrate make one, --db names another", c.DB)
		case errors.Is(err, fs.ErrPermission):
			return nil, nil, notOurs(err)
		case !errors.Is(err, store.ErrLocked):
			return nil, nil, explained(c.DB, err)
		case time.Now().After(deadline):
			return nil, nil, fmt.Errorf("%w, but nobody answers on the socket %q: wait until it is done, or set ROLLCALL_SOCKET to the daemon's", err, c.SocketPath())
		}
	}
}

func daemonSource(c config.Config) *source {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return api.DialSocket(ctx, c.SocketPath())
		},
		ResponseHeaderTimeout: answerTime,
		DisableCompression:    true, // of what does not leave the machine
	}
	waits := transport.Clone()
	waits.ResponseHeaderTimeout = 0
	return &source{client: newClient(transport), waits: newClient(waits), db: c.DB, daemon: true, close: func() error {
		transport.CloseIdleConnections()
		waits.CloseIdleConnections()
		return nil
	}}
}

// newClient returns a client that takes the answer to what it asked, not to another
// question that it may be sent on to.
func newClient(transport *http.Transport) *http.Client {
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// ownSource serves the database to this process alone.
func ownSource(db *store.DB, c config.Config) *source {
	log := slog.New(slog.DiscardHandler) // what fails reaches the command as a problem
	rules, err := Rules(c, log)
	if err != nil { // a folder that cannot be looked at decides nothing that is stored
		rules = nil
	}
	listener := newPipeListener()
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() {
		served <- api.Serve(ctx, listener, api.New(api.Options{Store: db, Zone: c.TZ.Location(), Rules: rules, Log: log}).Socket(), log)
	}()
	transport := &http.Transport{
		DialContext:        func(ctx context.Context, _, _ string) (net.Conn, error) { return listener.dial(ctx) },
		DisableCompression: true,
	}
	client := newClient(transport)
	return &source{client: client, waits: client, db: db.Path(), close: func() error {
		transport.CloseIdleConnections()
		stop()
		return errors.Join(<-served, db.Close())
	}}
}

// get asks for a path. An answer that is not 200 is an error, an *api.Problem if
// the server said what is wrong.
func (s *source) get(ctx context.Context, path string, query url.Values) (*http.Response, error) {
	return s.do(ctx, s.client, http.MethodGet, path, query)
}

// change asks for a change and decodes its answer.
func (s *source) change(ctx context.Context, method, path string, query url.Values, into any) error {
	response, err := s.do(ctx, s.waits, method, path, query)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return s.broken(err)
	}
	return nil
}

func (s *source) do(ctx context.Context, client *http.Client, method, path string, query url.Values) (*http.Response, error) {
	return s.send(ctx, client, method, path, query, nil)
}

// send is do with a body.
func (s *source) send(ctx context.Context, client *http.Client, method, path string, query url.Values, body io.Reader) (*http.Response, error) {
	if size := len(path) + len(query.Encode()); size > api.MaxQuestion {
		return nil, usage("the question has %d bytes: want names and values of at most %d together", size, api.MaxQuestion)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://rollcall"+path+"?"+query.Encode(), body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("TE", "trailers")
	response, err := client.Do(request)
	if err != nil {
		return nil, s.broken(err)
	}
	if err := s.sameDatabase(response); err != nil {
		response.Body.Close()
		return nil, err
	}
	if response.StatusCode == http.StatusOK {
		return response, nil
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<16))
	if err != nil {
		return nil, s.broken(err)
	}
	return nil, s.problem(text)
}

// problem reads the problem that the server sent.
func (s *source) problem(text []byte) error {
	p := new(api.Problem)
	if err := json.Unmarshal(text, p); err != nil || p.Status == 0 {
		return errors.New("the daemon's answer cannot be read: is it of the same version? Restart it after an upgrade")
	}
	return s.explain(p)
}

// folders asks a daemon for its folders. Without a daemon, or from one of an older
// version, nothing is known of any.
func (s *source) folders(ctx context.Context) (f api.Folders, err error) {
	if !s.daemon {
		return f, nil
	}
	_, err = s.decode(ctx, api.FoldersPath, nil, &f)
	if p, ok := errors.AsType[*api.Problem](err); ok && p.Status == http.StatusNotFound {
		return api.Folders{}, nil
	}
	return f, err
}

// explain adds what to do about a problem.
func (s *source) explain(p *api.Problem) error {
	switch {
	case p.Code == api.CodeDamaged:
		return fmt.Errorf("%w; %s", p, howToRestore(s.db))
	case p.Status == http.StatusNotFound && strings.HasPrefix(p.Detail, "no such guild: "):
		return fmt.Errorf("%w; rollcall guilds lists them", p)
	}
	return p
}

// broken says that the connection failed, which is not for the reader to see as
// the request that it was.
func (s *source) broken(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	return fmt.Errorf("the daemon broke off its answer (%w): its log says why", err)
}

// sameDatabase refuses the answer of a daemon that holds another database than
// the one that was asked for, as can be when ROLLCALL_SOCKET is set and --db
// given. Where one of the two cannot be looked at, as across the border of a
// container, the socket decides.
func (s *source) sameDatabase(response *http.Response) error {
	path, err := url.PathUnescape(response.Header.Get(api.DatabaseHeader))
	if err != nil || path == "" {
		return nil
	}
	theirs, err1 := os.Stat(path)
	ours, err2 := os.Stat(s.db)
	if err1 != nil || err2 != nil || os.SameFile(theirs, ours) {
		return nil
	}
	return fmt.Errorf("the daemon on the socket holds %q, not %q: set ROLLCALL_SOCKET to the socket of the daemon that is meant", path, s.db)
}

// decode gets a path and decodes its answer.
func (s *source) decode(ctx context.Context, path string, query url.Values, into any) (*http.Response, error) {
	response, err := s.get(ctx, path, query)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return nil, s.broken(err)
	}
	return response, nil
}

// unhurried is a connection within the process, for whose reader the server waits: a
// page of less may be read for an hour.
type unhurried struct{ net.Conn }

// SetWriteDeadline has no effect.
func (unhurried) SetWriteDeadline(time.Time) error { return nil }

// pipeListener is a listener in memory.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- unhurried{server}:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept waits for a dial.
func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and dial.
func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr names the listener to http, which shows it to nobody.
func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "pipe"} }
