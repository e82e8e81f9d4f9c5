package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"rollcall/internal/api"
	"rollcall/store"
)

// rareWord is in no message: the whole guild is looked through.
const rareWord = "quixotry"

// askOurs fills a database, opens it and asks over its socket.
func askOurs(ctx context.Context, t task) (result measures, err error) {
	filled, err := migrateOnce(store.Options{})(ctx, t)
	if err != nil {
		return result, err
	}
	result.Logs, result.Size = filled.Logs, filled.Size
	q := newQuestions(ctx, t, &result)
	var db *store.DB
	if err := q.ask(askOpen, 5, func() (bool, error) {
		if db != nil {
			if err := db.Close(); err != nil {
				return false, err
			}
		}
		var err error
		db, err = store.Open(t.database(), store.Options{})
		return true, err
	}); err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	log := slog.New(slog.DiscardHandler)
	listener, err := api.ListenSocket(filepath.Join(t.Folder, "s"))
	if err != nil {
		return result, err
	}
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() {
		served <- api.Serve(serving, listener, api.New(api.Options{Store: db, Log: log}).Socket(), log)
	}()
	defer func() {
		stop()
		err = errors.Join(err, <-served)
	}()
	a := &overSocket{ctx: ctx, client: &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return api.DialSocket(ctx, listener.Addr().String())
	}}}}
	m, err := startMeter()
	if err != nil {
		return result, err
	}
	week := q.since(7)
	err = errors.Join(
		q.askAll(a, ""),
		q.askAll(&ofStore{ctx, db}, inProcess),
		q.ask(askWords, 3, func() (bool, error) {
			return a.get(fmt.Sprintf("/v1/guilds/%d/words", q.guilds[0]), url.Values{"since": {week.Format(time.DateOnly)}})
		}),
	)
	if err != nil {
		return result, err
	}
	return result, m.read(&result)
}

// overSocket asks as the commands do.
type overSocket struct {
	ctx    context.Context
	client *http.Client
}

func (a *overSocket) get(path string, query url.Values) (bool, error) {
	found, _, err := a.page(path, query)
	return found, err
}

// page also returns the link to the next page, "" if there is none.
func (a *overSocket) page(path string, query url.Values) (found bool, next string, err error) {
	request, err := http.NewRequestWithContext(a.ctx, http.MethodGet, "http://rollcall"+path+"?"+query.Encode(), nil)
	if err != nil {
		return false, "", err
	}
	response, err := a.client.Do(request)
	if err != nil {
		return false, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode == http.StatusNotFound {
		return false, "", err
	}
	if response.StatusCode != http.StatusOK {
		return false, "", fmt.Errorf("%s: %d %s", path, response.StatusCode, text)
	}
	next, _, _ = strings.Cut(strings.TrimPrefix(response.Header.Get("Link"), "<"), ">")
	return len(text) > len("[]\n"), next, nil
}

func (a *overSocket) profile(guild, user store.ID) (bool, error) {
	return a.get(fmt.Sprintf("/v1/guilds/%d/users/%d", guild, user), nil)
}

func (a *overSocket) newest(guild, user store.ID) (bool, error) {
	query := url.Values{"limit": {"50"}}
	if user != 0 {
		query.Set("user", user.String())
	}
	return a.get(fmt.Sprintf("/v1/guilds/%d/messages", guild), query)
}

func (a *overSocket) leaders(guild store.ID, since time.Time) error {
	_, err := a.get(fmt.Sprintf("/v1/guilds/%d/top", guild), url.Values{"since": {since.Format(time.DateOnly)}})
	return err
}

func (a *overSocket) series(guild store.ID, since time.Time) error {
	_, err := a.get(fmt.Sprintf("/v1/guilds/%d", guild), url.Values{"since": {since.Format(time.DateOnly)}})
	return err
}

func (a *overSocket) pattern(guild store.ID) error {
	path, query := fmt.Sprintf("/v1/guilds/%d/messages", guild), url.Values{"grep": {rareWord}}
	for {
		_, next, err := a.page(path, query)
		if err != nil || next == "" {
			return err
		}
		u, err := url.Parse(next)
		if err != nil {
			return err
		}
		query = u.Query()
	}
}
