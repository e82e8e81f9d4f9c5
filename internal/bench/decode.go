package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"rollcall/internal/ndjson"
	"rollcall/store"
)

// entry is a message of a log, as a peer stores it. Its strings are parts of the line.
type entry struct {
	guild, user store.ID
	at          store.Micros
	channel     string
	content     string
}

// decode reads a line. ok is false if it is no message.
//
// It is the ceiling that a migration is compared with, and what the peers parse
// with: it knows the one line that nearly all are, looks at each byte as seldom
// as it can and leaves the others to encoding/json. It does not keep all of the
// rules that tell a malformed line: the product's parser does more.
func decode(line string, e *entry) (ok bool, err error) {
	var timestamp, server, channel, user, action, message, extra string
	rest := line
	for _, m := range [...]struct {
		lead string
		into *string
	}{
		{`{"timestamp":"`, &timestamp},
		{`","level":"INFO","source":"server","server_id":"`, &server},
		{`","channel_or_file":"`, &channel},
		{`","user_id":"`, &user},
		{`","action":"`, &action},
		{`","message":"`, &message},
		{`","trace_id":null,"extra":{"server_id":"`, &extra},
	} {
		var found bool
		if rest, found = strings.CutPrefix(rest, m.lead); !found {
			return decodeSlowly(line, e)
		}
		end := endOfString(rest)
		if end < 0 {
			return decodeSlowly(line, e)
		}
		*m.into, rest = rest[:end], rest[end:]
	}
	if rest != `"}}` {
		return decodeSlowly(line, e)
	}
	if action != "receive_message" {
		return false, nil
	}
	for _, s := range []*string{&channel, &message} {
		if *s, err = unquote(*s); err != nil {
			return false, err
		}
	}
	return true, e.set(extra, user, timestamp, channel, message)
}

func (e *entry) set(guild, user, timestamp, channel, message string) (err error) {
	e.channel, e.content = channel, message
	if e.guild, err = store.ParseID(guild); err != nil {
		return err
	}
	if e.user, err = store.ParseID(user); err != nil {
		return err
	}
	e.at, err = store.ParseMicros(timestamp)
	return err
}

// endOfString returns where the first quote stands that no backslash escapes, -1
// if there is none.
func endOfString(s string) int {
	for from := 0; ; {
		end := strings.IndexByte(s[from:], '"')
		if end < 0 {
			return -1
		}
		end += from
		slashes := 0
		for slashes < end && s[end-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return end
		}
		from = end + 1
	}
}

// unquote returns the text that stands between the quotes of a JSON string.
func unquote(s string) (string, error) {
	if strings.IndexByte(s, '\\') < 0 && utf8.ValidString(s) {
		return s, nil
	}
	var text string
	err := json.Unmarshal([]byte(`"`+s+`"`), &text)
	return text, err
}

func decodeSlowly(line string, e *entry) (bool, error) {
	var l struct {
		Timestamp string
		Channel   string `json:"channel_or_file"`
		User      string `json:"user_id"`
		Action    string
		Message   string
		Extra     struct {
			Server string `json:"server_id"`
		}
	}
	if err := json.Unmarshal([]byte(line), &l); err != nil || l.Action != "receive_message" {
		return false, err
	}
	return true, e.set(l.Extra.Server, l.User, l.Timestamp, l.Channel, l.Message)
}

// tally is what was read of the logs.
type tally struct {
	lines, messages, bytes int64
}

// readLogs decodes each line of the files below root, one after another, and
// calls take with each message, which must not keep e.
func readLogs(ctx context.Context, root string, take func(file string, line ndjson.Line, e *entry) error) (sum tally, err error) {
	files, err := logFiles(root)
	if err != nil {
		return sum, err
	}
	for _, file := range files {
		if err := readLog(ctx, root, file, &sum, take); err != nil {
			return sum, fmt.Errorf("read the log %s: %w", file, err)
		}
	}
	return sum, nil
}

func readLog(ctx context.Context, root, file string, sum *tally, take func(string, ndjson.Line, *entry) error) error {
	f, err := ndjson.Open(ctx, filepath.Join(root, filepath.FromSlash(file)))
	if err != nil {
		return err
	}
	defer f.Close()
	lines, err := f.Lines(0)
	if err != nil {
		return err
	}
	var e entry
	for {
		line, err := lines.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		ok, err := decode(line.Text, &e)
		if err != nil {
			return fmt.Errorf("line at byte %d: %w", line.Offset, err)
		}
		sum.lines++
		sum.bytes += line.End - line.Offset
		if !ok {
			continue
		}
		sum.messages++
		if err := take(file, line, &e); err != nil {
			return err
		}
	}
}

// logFiles returns the files of logs below root, by guild and day, with slashes.
func logFiles(root string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "info.jsonl" {
			below, relErr := filepath.Rel(root, path)
			files, err = append(files, filepath.ToSlash(below)), relErr
		}
		return err
	})
	slices.Sort(files)
	return files, err
}
