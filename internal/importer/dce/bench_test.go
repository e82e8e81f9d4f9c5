package dce_test

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"
	"time"

	"rollcall/internal/importer/archive"
	"rollcall/internal/importer/corpus"
	"rollcall/internal/importer/dce"
)

func export(tb testing.TB, d corpus.DCE, c corpus.Channel) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := d.Write(&b, c); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// counter counts what it is given.
type counter struct{ messages, malformed int }

func (c *counter) Message(*archive.Message) error { c.messages++; return nil }
func (c *counter) Name(archive.Name) error        { return nil }
func (c *counter) Malformed(string) error         { c.malformed++; return nil }
func (c *counter) At(int64, int64)                {}

// The same file through the reader, and through the standard library into the structs
// that one would write for it.
func BenchmarkRead(b *testing.B) {
	text := export(b, corpus.DCE{Version: 2.47, Exported: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)}, corpus.Chatter(1, 20_000))
	b.Run("ours", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			e, err := dce.Open(bytes.NewReader(text), int64(len(text)))
			if err != nil {
				b.Fatal(err)
			}
			var c counter
			if _, err := e.Read(b.Context(), &c); err != nil || c.messages != 20_000 {
				b.Fatal(c, err)
			}
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			n := 0
			d := json.NewDecoder(bytes.NewReader(text))
			if err := decodeStandard(d, func(*standard) { n++ }); err != nil || n != 20_000 {
				b.Fatal(n, err)
			}
		}
	})
}

// standard is a message as encoding/json would be given it.
type standard struct {
	ID              string
	Type            string
	Timestamp       time.Time
	TimestampEdited *time.Time
	Content         string
	Author          struct {
		ID, Name, Nickname string
		IsBot              bool
	}
	Attachments []struct{ ID string }
	Stickers    []struct{ Name string }
	Mentions    []struct{ ID string }
	Reference   *struct{ Type, MessageID string }
	Forwarded   *struct {
		Content     string
		Attachments []struct{ ID string }
	} `json:"forwardedMessage"`
	InlineEmojis []struct{ ID string }
}

// decodeStandard reads an export message by message, which takes less memory than as a whole.
func decodeStandard(d *json.Decoder, take func(*standard)) error {
	for depth := 0; ; {
		t, err := d.Token()
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		case "messages":
			if depth != 1 {
				continue
			}
			if _, err := d.Token(); err != nil {
				return err
			}
			for d.More() {
				var m standard
				if err := d.Decode(&m); err != nil {
					return err
				}
				take(&m)
			}
			_, err := io.Copy(io.Discard, d.Buffered())
			return err
		}
	}
}
