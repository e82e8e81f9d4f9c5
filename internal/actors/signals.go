package actors

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// stopSignals are the signals that ask a process to stop in order. SIGHUP, which a
// terminal or a connection sends when it goes away, is one of them, unless the process
// was started to outlive that, as nohup does it.
func stopSignals() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// Stoppable returns a context that is done once the process is asked to stop, and what
// gives the signals their usual effect again. Meanwhile none of them ends the process,
// and neither does it that nobody reads its output any more.
func Stoppable(parent context.Context) (ctx context.Context, stop func()) {
	signal.Ignore(syscall.SIGPIPE)
	return signal.NotifyContext(parent, stopSignals()...)
}

// AddSignals adds the actor that ends the group when the process is asked to stop.
// A second signal then ends the process at once, unless it is SIGHUP: who closes a
// terminal causes two, one of the terminal and one of the shell. When who reads our log
// goes away, the process stays: a last line to a closed pipe must not kill it before
// what it holds is committed.
func (g *Group) AddSignals() {
	signal.Ignore(syscall.SIGPIPE)
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, stopSignals()...)
	g.Add("signals", func(ctx context.Context) error {
		select {
		case s := <-caught:
			signal.Ignore(syscall.SIGHUP)
			signal.Stop(caught) // before it is said
			g.log.Info("stopping; a second signal ends the process at once", "signal", s.String())
		case <-ctx.Done():
			signal.Ignore(syscall.SIGHUP)
			signal.Stop(caught)
		}
		return nil
	})
}
