package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	_ "github.com/mattn/go-sqlite3"
	_ "modernc.org/sqlite"
)

// sqliteTables are the rows, and the one index that finds a user's in order.
const sqliteTables = `
CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, guild INTEGER, user INTEGER, timestamp INTEGER, channel TEXT, content TEXT);
CREATE INDEX IF NOT EXISTS messages_of_user ON messages (guild, user, timestamp);`

// sqliteCache (MiB of pages) was as good as any from 2 to 256.
const sqliteCache = 64

// sqlite is a database that messages are put into with prepared statements.
type sqlite struct {
	pool      *sql.DB
	conn      *sql.Conn
	one, many *sql.Stmt // insert a single row, and rows rows
	rows      int
	values    []any
}

// openSQLite makes a database that takes so many rows a statement. driver is "sqlite3"
// for mattn's, "sqlite" for modernc's.
func openSQLite(driver string, rows int) opener {
	return func(ctx context.Context, path string) (peer, error) { return startSQLite(ctx, driver, path, rows) }
}

func startSQLite(ctx context.Context, driver, path string, rows int) (*sqlite, error) {
	pool, err := sql.Open(driver, path)
	if err != nil {
		return nil, err
	}
	s := &sqlite{pool: pool, rows: rows}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open SQLite: %w", err), pool.Close())
	}
	return s, nil
}

func (s *sqlite) start(ctx context.Context) (err error) {
	if s.conn, err = s.pool.Conn(ctx); err != nil {
		return err
	}
	for _, statement := range []string{
		"PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL", fmt.Sprintf("PRAGMA cache_size = -%d", sqliteCache<<10), sqliteTables,
	} {
		if _, err := s.conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	if s.one, err = s.prepare(ctx, 1); err != nil {
		return err
	}
	s.many, err = s.prepare(ctx, s.rows)
	return err
}

func (s *sqlite) prepare(ctx context.Context, rows int) (*sql.Stmt, error) {
	return s.conn.PrepareContext(ctx, "INSERT INTO messages (guild, user, timestamp, channel, content) VALUES "+
		strings.Repeat("(?,?,?,?,?),", rows-1)+"(?,?,?,?,?)")
}

// insert puts messages into the database in one transaction.
func (s *sqlite) insert(ctx context.Context, batch []entry) error {
	if _, err := s.conn.ExecContext(ctx, "BEGIN"); err != nil {
		return err
	}
	for len(batch) > 0 {
		statement, n := s.one, 1
		if len(batch) >= s.rows {
			statement, n = s.many, s.rows
		}
		s.values = s.values[:0]
		for _, e := range batch[:n] {
			s.values = append(s.values, int64(e.guild), int64(e.user), int64(e.at), e.channel, e.content)
		}
		if _, err := statement.ExecContext(ctx, s.values...); err != nil {
			return err
		}
		batch = batch[n:]
	}
	_, err := s.conn.ExecContext(ctx, "COMMIT")
	return err
}

// close also writes what is in the write-ahead log back to the database.
func (s *sqlite) close() error {
	return errors.Join(s.one.Close(), s.many.Close(), s.conn.Close(), s.pool.Close())
}
