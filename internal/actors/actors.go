package actors

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"

	"github.com/oklog/run"
)

// Group is a set of actors. Add them, then Run; neither may be called again after Run.
type Group struct {
	ctx   context.Context
	log   *slog.Logger
	group run.Group

	mu  sync.Mutex
	err error // the first one that an actor ended with
}

// New returns a group whose actors' contexts come from ctx.
func New(ctx context.Context, log *slog.Logger) *Group { return &Group{ctx: ctx, log: log} }

// Add adds an actor. When it returns, nil included, all others are stopped: one whose
// work is done waits for its context. When its context is done it has to return soon.
func (g *Group) Add(name string, execute func(context.Context) error) {
	ctx, cancel := context.WithCancel(g.ctx)
	g.group.Add(func() (err error) {
		defer func() { // a panic stops the others in order, too
			if r := recover(); r != nil {
				g.log.Error("panic", "actor", name, "value", r, "stack", string(debug.Stack()))
				err = fmt.Errorf("%s: panic: %v; please report it, with what the log has of it", name, r)
			}
			g.ended(err)
		}()
		return execute(ctx)
	}, func(error) { cancel() })
}

func (g *Group) ended(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err == nil {
		g.err = err
	}
}

// Run runs all actors until the first one ends, stops the others, and returns when
// all have ended: the first error that any of them ended with, since the first to
// end may have been the signals, which have none.
func (g *Group) Run() error {
	g.group.Run()
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}
