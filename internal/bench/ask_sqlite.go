package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rollcall/store"
)

// sqliteIndex finds a guild's messages in order, as sqliteTables' finds a user's.
const sqliteIndex = "CREATE INDEX messages_of_guild ON messages (guild, timestamp, user)"

// askSQLite fills a database, adds the index that the questions want, and asks.
func askSQLite(ctx context.Context, t task) (result measures, err error) {
	filled, err := fill(openSQLite("sqlite3", sqliteRows), sqliteBatch, true)(ctx, t)
	if err != nil {
		return result, err
	}
	result.Logs, result.Size = filled.Logs, filled.Size
	db, err := startSQLite(ctx, "sqlite3", t.database(), 1)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	for _, statement := range []string{sqliteIndex, "ANALYZE"} {
		if _, err := db.conn.ExecContext(ctx, statement); err != nil {
			return result, err
		}
	}
	m, err := startMeter()
	if err != nil {
		return result, err
	}
	if err := newQuestions(ctx, t, &result).askAll(&bySQL{ctx, db}, inProcess); err != nil {
		return result, err
	}
	return result, m.read(&result)
}

// bySQL asks for the same figures, in UTC alone.
type bySQL struct {
	ctx context.Context
	db  *sqlite
}

// rows runs a query, reads all of its rows and returns how many there were.
func (a *bySQL) rows(query string, values ...any) (n int, err error) {
	rows, err := a.db.conn.QueryContext(a.ctx, query, values...)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return 0, err
	}
	into := make([]any, len(columns))
	for i := range into {
		into[i] = new(any)
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return 0, err
		}
		n++
	}
	return n, rows.Err()
}

// profile asks for all that our answer holds but words and emoji, which SQL does not have.
func (a *bySQL) profile(guild, user store.ID) (bool, error) {
	const of = " FROM messages WHERE guild = ? AND user = ?"
	n := 0
	for _, query := range []string{
		"SELECT MIN(timestamp), MAX(timestamp), COUNT(*)" + of + " HAVING COUNT(*) > 0",
		"SELECT timestamp / 3600000000 % 24, COUNT(*)" + of + " GROUP BY 1",
		"SELECT (timestamp / 86400000000 + 3) % 7, COUNT(*)" + of + " GROUP BY 1",
		"SELECT DISTINCT timestamp / 86400000000" + of + " ORDER BY 1",
		"SELECT channel, COUNT(*)" + of + " GROUP BY 1 ORDER BY 2 DESC LIMIT 10",
	} {
		got, err := a.rows(query, int64(guild), int64(user))
		if err != nil {
			return false, err
		}
		if n += got; n == 0 {
			return false, nil
		}
	}
	return true, nil
}

func (a *bySQL) newest(guild, user store.ID) (bool, error) {
	query, values := "SELECT user, timestamp, channel, content FROM messages WHERE guild = ?", []any{int64(guild)}
	if user != 0 {
		query, values = query+" AND user = ?", append(values, int64(user))
	}
	n, err := a.rows(query+" ORDER BY timestamp DESC LIMIT 50", values...)
	return n > 0, err
}

func (a *bySQL) leaders(guild store.ID, since time.Time) error {
	_, err := a.rows("SELECT user, COUNT(*), COUNT(DISTINCT timestamp / 86400000000) FROM messages WHERE guild = ? AND timestamp >= ? GROUP BY user ORDER BY 2 DESC, 3 DESC, 1 LIMIT 10",
		int64(guild), since.UnixMicro())
	return err
}

func (a *bySQL) series(guild store.ID, since time.Time) error {
	const of = " FROM messages WHERE guild = ? AND timestamp >= ?"
	for _, query := range []string{
		"SELECT COUNT(*), COUNT(DISTINCT user)" + of,
		"SELECT timestamp / 86400000000, COUNT(*), COUNT(DISTINCT user)" + of + " GROUP BY 1 ORDER BY 1",
		"SELECT (timestamp / 86400000000 + 3) % 7, timestamp / 3600000000 % 24, COUNT(*)" + of + " GROUP BY 1, 2",
		"SELECT channel, COUNT(*)" + of + " GROUP BY 1 ORDER BY 2 DESC LIMIT 10",
		"SELECT user, COUNT(*)" + of + " GROUP BY 1 ORDER BY 2 DESC LIMIT 10",
	} {
		if _, err := a.rows(query, int64(guild), since.UnixMicro()); err != nil {
			return err
		}
	}
	return nil
}

func (a *bySQL) pattern(guild store.ID) error {
	_, err := a.rows("SELECT user, timestamp, channel, content FROM messages WHERE guild = ? AND content LIKE ? ORDER BY timestamp DESC LIMIT 50",
		int64(guild), fmt.Sprintf("%%%s%%", rareWord))
	return err
}
