package export

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rollcall/internal/search"
	"rollcall/store"
)

// valuesAtOnce is how many values one statement inserts at most: more rows cost less each,
// until SQLite's limit for variables is far away but its statements grow.
const valuesAtOnce = 200

// rows inserts rows into a table, several with one statement. It speaks to the driver itself:
// database/sql would take as long again to look at each value.
type rows struct {
	ctx     context.Context
	columns int
	many    driver.StmtExecContext
	one     driver.StmtExecContext
	closers []driver.Stmt
	args    []driver.NamedValue // of many
	single  []driver.NamedValue // of one
	values  []driver.Value      // of the row that is being filled
	filled  int                 // rows
	atOnce  int
}

// prepare takes the table's name, with the names of its columns if not all are given.
func prepare(ctx context.Context, conn *sql.Conn, table string, columns int) (*rows, error) {
	r := &rows{ctx: ctx, columns: columns, atOnce: max(1, valuesAtOnce/columns), values: make([]driver.Value, columns)}
	r.args = make([]driver.NamedValue, r.atOnce*columns)
	for i := range r.args {
		r.args[i].Ordinal = i + 1
	}
	r.single = slices.Clone(r.args[:columns])
	err := conn.Raw(func(c any) error {
		preparer, ok := c.(driver.ConnPrepareContext)
		if !ok {
			return errors.New("the driver of SQLite prepares no statements")
		}
		row := "(?" + strings.Repeat(",?", columns-1) + ")"
		for n, into := range map[int]*driver.StmtExecContext{1: &r.one, r.atOnce: &r.many} {
			s, err := preparer.PrepareContext(ctx, fmt.Sprintf("INSERT INTO %s VALUES %s", table, row+strings.Repeat(","+row, n-1)))
			if err != nil {
				return err
			}
			r.closers = append(r.closers, s)
			if *into, ok = s.(driver.StmtExecContext); !ok {
				return errors.New("the driver of SQLite takes no context")
			}
		}
		return nil
	})
	return r, err
}

// next returns the values of the next row, all of which the caller sets before the next call.
func (r *rows) next() ([]driver.Value, error) {
	err := r.take()
	r.filled++
	return r.values, err
}

// add adds a row.
func (r *rows) add(values ...driver.Value) error {
	v, err := r.next()
	copy(v, values)
	return err
}

// take takes over the values of the row that was filled, if there is one.
func (r *rows) take() error {
	if r.filled == 0 {
		return nil
	}
	at := (r.filled - 1) * r.columns
	for i, v := range r.values {
		r.args[at+i].Value = v
	}
	if r.filled < r.atOnce {
		return nil
	}
	r.filled = 0
	_, err := r.many.ExecContext(r.ctx, r.args)
	return err
}

// flush inserts what is left.
func (r *rows) flush() error {
	if r.filled == 0 {
		return nil
	}
	if err := r.take(); err != nil {
		return err
	}
	for i := range r.filled {
		for k := range r.single {
			r.single[k].Value = r.args[i*r.columns+k].Value
		}
		if _, err := r.one.ExecContext(r.ctx, r.single); err != nil {
			return err
		}
	}
	r.filled = 0
	return nil
}

func (r *rows) close() (err error) {
	for _, s := range r.closers {
		err = errors.Join(err, s.Close())
	}
	r.closers = nil
	return err
}

// known is an id as a value: NULL if it is 0.
func known(id store.ID) driver.Value {
	if id == 0 {
		return nil
	}
	return id.String()
}

// text is a name as a value: NULL if it is not known.
func text(s string) driver.Value {
	if s == "" {
		return nil
	}
	return s
}

// sourceValues are those of sources, made once.
var sourceValues = [...]driver.Value{
	store.SourceLive: store.SourceLive.String(), store.SourceBackfill: store.SourceBackfill.String(),
	store.SourceLog: store.SourceLog.String(), store.SourceImport: store.SourceImport.String(),
}

func sourceValue(s store.Source) driver.Value {
	if int(s) < len(sourceValues) {
		return sourceValues[s]
	}
	return s.String()
}

// jsonList is a JSON array of texts.
func jsonList(texts []string) string {
	if texts == nil {
		return "[]"
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(texts) // texts can always be encoded
	return strings.TrimSuffix(b.String(), "\n")
}

// dates writes instants. Most are of the day of the one before.
type dates struct {
	day  int64
	date [11]byte // with the T
	set  bool
}

const dayMicros = 86400 * 1e6

// instant writes what store.Micros.String does.
func (d *dates) instant(at store.Micros) string {
	day := int64(at) / dayMicros
	rest := int64(at) % dayMicros
	if rest < 0 {
		day, rest = day-1, rest+dayMicros
	}
	if !d.set || day != d.day {
		d.day, d.set = day, true
		copy(d.date[:], at.String())
	}
	var b [27]byte
	copy(b[:], d.date[:])
	two := func(i int, n int64) { b[i], b[i+1] = byte('0'+n/10), byte('0'+n%10) }
	seconds, micros := rest/1e6, rest%1e6
	two(11, seconds/3600)
	two(14, seconds/60%60)
	two(17, seconds%60)
	two(20, micros/10000)
	two(22, micros/100%100)
	two(24, micros%100)
	b[13], b[16], b[19], b[26] = ':', ':', '.', 'Z'
	return string(b[:])
}

// tokenJoiner makes texts of tokens.
type tokenJoiner struct {
	tokens []search.Token
	b      []byte
}

// of returns the tokens of what the author wrote, and of what somebody else did.
func (t *tokenJoiner) of(r *store.Record) (own, forwarded string) {
	t.b = t.b[:0]
	t.add(r.Content)
	x := r.Extra
	if x == nil {
		return string(t.b), ""
	}
	if x.Poll != nil {
		t.add(x.Poll.Question)
		for _, a := range x.Poll.Answers {
			t.add(a)
		}
	}
	for _, s := range x.Stickers {
		t.add(s)
	}
	own = string(t.b)
	if x.Forwarded == nil {
		return own, ""
	}
	t.b = t.b[:0]
	t.add(x.Forwarded.Content)
	return own, string(t.b)
}

func (t *tokenJoiner) add(text string) {
	t.tokens = search.Tokens(t.tokens[:0], text)
	for _, token := range t.tokens {
		if len(t.b) > 0 {
			t.b = append(t.b, ' ')
		}
		t.b = append(t.b, token.Text...)
	}
}
