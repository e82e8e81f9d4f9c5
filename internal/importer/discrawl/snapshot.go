package discrawl

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"rollcall/internal/importer/sqlitefile"
	"rollcall/internal/importer/window"
	"rollcall/internal/jsonscan"
)

// Manifest is the name of the file that tells what a snapshot consists of.
const Manifest = "manifest.json"

// wanted are the tables of a snapshot that are read.
var wanted = map[string]bool{"guilds": true, "channels": true, "members": true, "messages": true, "message_events": true, "message_attachments": true}

// manifest is what there is of a manifest that is needed.
type manifest struct {
	Tables []struct {
		Name    string   `json:"name"`
		File    string   `json:"file"`
		Files   []string `json:"files"`
		Columns []string `json:"columns"`
	} `json:"tables"`
}

// manifestMost bounds what is read of a manifest.
const manifestMost = 32 << 20

// IsManifest reports whether a text is a snapshot's manifest.
func IsManifest(text []byte) bool {
	m, err := parseManifest(text)
	if err != nil {
		return false
	}
	for _, t := range m.Tables {
		if t.Name == "messages" {
			return true
		}
	}
	return false
}

func parseManifest(text []byte) (m manifest, err error) {
	err = json.Unmarshal(text, &m)
	return m, err
}

// Unpack makes a database at path of the snapshot in folder dir of fsys. It reports
// whether the snapshot is whole: of one that is not, what can be read is there.
func Unpack(ctx context.Context, fsys fs.FS, dir, at string) (whole bool, err error) {
	f, err := fsys.Open(path.Join(dir, Manifest))
	if err != nil {
		return false, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, manifestMost))
	if err != nil {
		return false, err
	}
	m, err := parseManifest(text)
	if err != nil {
		return false, fmt.Errorf("%s: %w", Manifest, err)
	}
	db, err := sqlitefile.Open(ctx, at)
	if err != nil {
		return false, err
	}
	defer db.Close()
	whole = true
	for _, t := range m.Tables {
		if !wanted[t.Name] || len(t.Columns) == 0 {
			continue
		}
		table := &table{ctx: ctx, db: db, columns: t.Columns}
		if err := table.create(t.Name); err != nil {
			return false, err
		}
		files := t.Files
		if len(files) == 0 && t.File != "" {
			files = []string{t.File}
		}
		for _, name := range files {
			if !fs.ValidPath(name) {
				return false, fmt.Errorf("%s names a file outside of the snapshot: %q", Manifest, name)
			}
			switch err := table.fill(fsys, path.Join(dir, name)); {
			case errors.Is(err, errTorn):
				whole = false
			case err != nil:
				return false, err
			}
		}
		if err := table.end(); err != nil {
			return false, err
		}
	}
	return whole, nil
}

// table is a table that is being filled.
type table struct {
	ctx     context.Context
	db      *sqlitefile.DB
	columns []string
	insert  string
	values  []any
}

func (t *table) create(name string) error {
	var columns, marks []string
	for _, c := range t.columns {
		columns = append(columns, `"`+strings.ReplaceAll(c, `"`, `""`)+`"`)
		marks = append(marks, "?")
	}
	t.insert = `INSERT INTO ` + name + ` VALUES (` + strings.Join(marks, ", ") + `)`
	t.values = make([]any, len(columns))
	if err := t.db.Exec(t.ctx, `CREATE TABLE `+name+` (`+strings.Join(columns, ", ")+`)`); err != nil {
		return fmt.Errorf("%s: table %q: %w", Manifest, name, err)
	}
	return t.db.Exec(t.ctx, `BEGIN`)
}

func (t *table) end() error { return t.db.Exec(t.ctx, `COMMIT`) }

// errTorn says that a shard is missing, torn or damaged.
var errTorn = errors.New("a part of the snapshot is missing or damaged")

// shardMost bounds a shard; the tool begins a new one after 40 MiB, compressed.
const shardMost = 4 << 30

// fill inserts the rows of a shard, a line each.
func (t *table) fill(fsys fs.FS, name string) error {
	f, err := fsys.Open(name)
	if err != nil {
		return errTorn
	}
	defer f.Close()
	var in io.Reader = f
	if strings.HasSuffix(name, ".gz") {
		gz, err := gzip.NewReader(bufio.NewReader(f))
		if err != nil {
			return errTorn
		}
		in = gz
	}
	w := window.New(io.LimitReader(in, shardMost))
	for !w.End() {
		var values []jsonscan.Value
		if err := w.Piece(func() { values = t.row(&w.Cursor) }); err != nil {
			if t.ctx.Err() != nil {
				return t.ctx.Err()
			}
			return errTorn
		}
		for i, v := range values {
			t.values[i] = native(v)
		}
		if err := t.db.Exec(t.ctx, t.insert, t.values...); err != nil {
			return err
		}
	}
	if !w.Whole() {
		return errTorn
	}
	return nil
}

// row reads a row as an object, or as an array in the order of the columns.
func (t *table) row(c *jsonscan.Cursor) []jsonscan.Value {
	values := make([]jsonscan.Value, len(t.columns))
	if c.Peek() == '[' {
		i := 0
		c.Elements(func() {
			if v := c.Value(); i < len(values) {
				values[i] = v
			}
			i++
		})
		return values
	}
	if c.Peek() != '{' {
		c.Bad = true // no row
		return values
	}
	c.Members(func(key string) {
		v := c.Value()
		for i, column := range t.columns {
			if column == key {
				values[i] = v
			}
		}
	})
	return values
}

// native is a value as SQLite has it. A number that is not whole is kept as a text.
func native(v jsonscan.Value) any {
	switch v.Kind {
	case jsonscan.Text:
		return v.Text()
	case jsonscan.Number:
		if n, err := strconv.ParseInt(v.Raw, 10, 64); err == nil {
			return n
		}
		return v.Raw
	case jsonscan.Bool:
		if v.Raw == "true" {
			return int64(1)
		}
		return int64(0)
	case jsonscan.Nested:
		return v.Raw
	}
	return nil
}
