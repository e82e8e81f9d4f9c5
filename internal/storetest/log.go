package storetest

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"sync"
)

// Log keeps what was logged. Its zero value is ready, and its methods may be called from
// any goroutine.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Logger returns a logger of all levels that writes to the log, a line of text each.
func (l *Log) Logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// Lines returns the lines that hold all of the texts, in their order.
func (l *Log) Lines(texts ...string) (found []string) {
	for line := range strings.Lines(l.String()) {
		if !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(line, text) }) {
			found = append(found, line)
		}
	}
	return found
}

// Count returns how many lines hold all of the texts.
func (l *Log) Count(texts ...string) int { return len(l.Lines(texts...)) }

// Reset forgets what was logged.
func (l *Log) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Reset()
}

// String returns all that was logged.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
