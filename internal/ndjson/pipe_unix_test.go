//go:build unix

package ndjson

import (
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestPipeDoesNotBlock(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "info.jsonl")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), pipe); !errors.Is(err, ErrNotFile) || !strings.Contains(err.Error(), "pipe") {
		t.Errorf("got %v", err)
	}
}
