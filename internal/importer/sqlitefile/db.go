package sqlitefile

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/url"
	"strings"

	_ "modernc.org/sqlite" // the driver
)

// DB is an open copy. It belongs to one goroutine.
type DB struct {
	db     *sql.DB
	conn   *sql.Conn
	side   *sql.Conn                    // for One, which is called while Each goes on
	tables map[string]map[string]string // columns and their declared types by table, all in lower case
}

// Open opens a copy that Copy has made.
func Open(ctx context.Context, path string) (*DB, error) {
	// trusted_schema: nothing that the file defines is run. cache_size: KiB.
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + "?_pragma=trusted_schema(0)&_pragma=cache_size(-16384)&_pragma=mmap_size(0)&_pragma=synchronous(0)"
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	d := &DB{db: db, tables: map[string]map[string]string{}}
	if d.conn, err = db.Conn(ctx); err == nil {
		if d.side, err = db.Conn(ctx); err == nil {
			err = d.readSchema(ctx)
		}
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// Close closes the copy.
func (d *DB) Close() error {
	for _, c := range []*sql.Conn{d.conn, d.side} {
		if c != nil {
			c.Close()
		}
	}
	return d.db.Close()
}

func (d *DB) readSchema(ctx context.Context) error {
	var tables []string
	if err := d.Each(ctx, `SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name LIMIT 10000`, nil, func(v []driver.Value) error {
		tables = append(tables, Text(v[0]))
		return nil
	}); err != nil {
		return err
	}
	for _, table := range tables {
		columns := map[string]string{}
		if err := d.Each(ctx, `SELECT name, type FROM pragma_table_info(?)`, []any{table}, func(v []driver.Value) error {
			columns[strings.ToLower(Text(v[0]))] = strings.ToLower(Text(v[1]))
			return nil
		}); err != nil {
			continue // a virtual table of a module that is not here
		}
		d.tables[strings.ToLower(table)] = columns
	}
	return nil
}

// Has reports whether a table has all of these columns.
func (d *DB) Has(table string, columns ...string) bool {
	have, ok := d.tables[table]
	for _, c := range columns {
		if _, there := have[c]; !there {
			return false
		}
	}
	return ok
}

// Column is an expression for a column, NULL where the table does not have it. as is the
// table's name in the query. The driver rewrites what it reads from columns that are
// declared as times, so of these a text is made first.
func (d *DB) Column(table, as, column string) string {
	declared, ok := d.tables[table][column]
	switch {
	case !ok:
		return "NULL"
	case strings.Contains(declared, "date") || strings.Contains(declared, "time"):
		return as + "." + quoted(column) + "||''"
	}
	return as + "." + quoted(column)
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// Index sees to it that rows of a table can be found by a column.
func (d *DB) Index(ctx context.Context, table, column string) error {
	if !d.Has(table, column) {
		return nil
	}
	found := false
	if err := d.Each(ctx, `SELECT 1 FROM pragma_index_list(?1) l, pragma_index_info(l.name) i WHERE i.seqno = 0 AND lower(i.name) = ?2 AND l.partial = 0
		UNION ALL SELECT 1 FROM pragma_table_info(?1) WHERE lower(name) = ?2 AND lower(type) = 'integer' AND pk = 1`, []any{table, column}, func([]driver.Value) error {
		found = true
		return nil
	}); err != nil || found {
		return err
	}
	_, err := d.conn.ExecContext(ctx, `CREATE INDEX `+quoted("rollcall "+table+" "+column)+` ON `+quoted(table)+` (`+quoted(column)+`)`)
	if err != nil {
		return fmt.Errorf("index %s of %s: %w", column, table, err)
	}
	return nil
}

// Exec runs a statement on the copy.
func (d *DB) Exec(ctx context.Context, statement string, args ...any) error {
	_, err := d.conn.ExecContext(ctx, statement, args...)
	return err
}

// Each calls fn with each row of a query. The slice is good until fn returns, and fn must
// not call Each.
func (d *DB) Each(ctx context.Context, query string, args []any, fn func([]driver.Value) error) error {
	return each(ctx, d.conn, query, args, fn)
}

func each(ctx context.Context, conn *sql.Conn, query string, args []any, fn func([]driver.Value) error) error {
	named := make([]driver.NamedValue, len(args))
	for i, a := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	// Past database/sql, which converts and copies each value once more.
	return conn.Raw(func(c any) (err error) {
		rows, err := c.(driver.QueryerContext).QueryContext(ctx, query, named)
		if err != nil {
			return err
		}
		defer rows.Close()
		values := make([]driver.Value, len(rows.Columns()))
		for n := 0; ; n++ {
			if n%256 == 0 {
				if err := ctx.Err(); err != nil {
					return err
				}
			}
			if err := rows.Next(values); err != nil {
				return endOf(err)
			}
			if err := fn(values); err != nil {
				return err
			}
		}
	})
}

// All returns the rows of a query, which must not be many.
func (d *DB) All(ctx context.Context, query string, args ...any) (rows [][]driver.Value, err error) {
	err = each(ctx, d.side, query, args, func(v []driver.Value) error {
		rows = append(rows, append([]driver.Value(nil), v...))
		return nil
	})
	return rows, err
}

// One returns the first row of a query, which should have no more, nil if there is none.
func (d *DB) One(ctx context.Context, query string, args ...any) (row []driver.Value, err error) {
	err = each(ctx, d.side, query, args, func(v []driver.Value) error {
		if row == nil {
			row = append(row, v...)
		}
		return nil
	})
	return row, err
}

// Count returns how many rows a table has, 0 if it is not there.
func (d *DB) Count(ctx context.Context, table string) int64 {
	row, err := d.One(ctx, `SELECT count(*) FROM `+quoted(table))
	if err != nil || row == nil {
		return 0
	}
	n, _ := row[0].(int64)
	return n
}
