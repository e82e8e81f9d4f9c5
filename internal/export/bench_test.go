package export_test

import (
	"bytes"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/internal/export"
	"rollcall/internal/importer/corpus"
	"rollcall/store"
)

// chatter is a stream of records as a daemon sends it: users by id, each with some thousand
// messages, of which one in ten is an answer, an edit or the like.
func chatter(b *testing.B) (stream []byte, records int) {
	b.Helper()
	const users, each = 50, 4000
	var w bytes.Buffer
	e := export.NewEncoder(&w)
	must(b, e.Guild(export.Guild{ID: town, Name: "Harbour"}))
	must(b, e.Channel(export.Channel{ID: 700000000000000001, Name: "general"}))
	for u := range users {
		must(b, e.User(export.User{ID: ann + store.ID(u), Name: "Ann"}))
		for _, m := range corpus.Chatter(uint64(u), each).Messages {
			r := store.Record{Guild: town, User: ann + store.ID(u), Time: store.MicrosOf(m.At()), Message: store.ID(m.ID), Channel: store.Channel{ID: 700000000000000001, Name: "general"},
				Content: m.Content, Source: store.SourceLive, ReplyTo: store.ID(m.ReplyTo), Attachments: m.Attachments}
			if !m.Edited.IsZero() {
				r.Edited = store.MicrosOf(m.Edited)
			}
			must(b, e.Record(&r))
		}
	}
	must(b, e.End(0))
	return w.Bytes(), users * each
}

func benchmark(b *testing.B, run func(stream []byte)) {
	stream, records := chatter(b)
	began := cpuTime()
	for b.Loop() {
		run(stream)
	}
	// On a busy machine the time of the processor tells more than that of the clock.
	spent := cpuTime() - began
	b.ReportMetric(float64(records*b.N)/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric(float64(records*b.N)/spent.Seconds(), "messages/cpu-s")
}

// Each format beside a bare bulk insert of the same rows by the same driver: one statement,
// one transaction, no index, no journal.
func BenchmarkExport(b *testing.B) {
	for _, kind := range []string{"sqlite", "parquet", "dce"} {
		b.Run(kind, func(b *testing.B) {
			benchmark(b, func(stream []byte) {
				o := settings()
				o.FullText = false
				path := filepath.Join(b.TempDir(), "out")
				var out export.Output
				var err error
				switch kind {
				case "sqlite":
					out, err = export.NewSQLite(b.Context(), path, o)
				case "parquet":
					out, err = export.NewParquet(path, o)
				default:
					out, err = export.NewDCE(path, o)
				}
				must(b, err)
				defer out.Discard()
				_, err = export.Decode(bytes.NewReader(stream), out)
				must(b, err)
				must(b, out.Commit())
			})
		})
	}
	b.Run("bare-insert", func(b *testing.B) {
		benchmark(b, func(stream []byte) {
			s := &bare{path: filepath.Join(b.TempDir(), "out")}
			must(b, s.open())
			_, err := export.Decode(bytes.NewReader(stream), s)
			must(b, err)
			must(b, s.close())
		})
	})
}

// bare is what one writes who wants the rows in a table and nothing else.
type bare struct {
	path   string
	db     *sql.DB
	tx     *sql.Tx
	insert *sql.Stmt
	id     int
}

func (s *bare) open() (err error) {
	if s.db, err = sql.Open("sqlite", "file:"+s.path+"?_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)"); err != nil {
		return err
	}
	if _, err = s.db.Exec(`CREATE TABLE messages(id INTEGER PRIMARY KEY, guild_id TEXT, user_id TEXT, channel_id TEXT, channel_name TEXT, message_id TEXT, timestamp TEXT, timestamp_us INTEGER,
		message_content TEXT, source TEXT, reply_to_message_id TEXT, reply_to_user_id TEXT, attachments INTEGER, edited_at TEXT, redacted INTEGER, forwarded_content TEXT, forwarded_attachments INTEGER,
		poll_question TEXT, poll_answers TEXT, stickers TEXT)`); err != nil {
		return err
	}
	if s.tx, err = s.db.Begin(); err != nil {
		return err
	}
	s.insert, err = s.tx.Prepare("INSERT INTO messages VALUES(?" + strings.Repeat(",?", 19) + ")")
	return err
}

func (s *bare) close() error {
	if err := s.tx.Commit(); err != nil {
		return err
	}
	return s.db.Close()
}

func (s *bare) Guild(export.Guild) error     { return nil }
func (s *bare) Channel(export.Channel) error { return nil }
func (s *bare) User(export.User) error       { return nil }
func (s *bare) Record(r *store.Record) error {
	s.id++
	_, err := s.insert.Exec(append([]any{s.id}, row(*r)...)...)
	return err
}
