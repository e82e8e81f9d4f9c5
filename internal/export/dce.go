package export

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"rollcall/internal/snowflake"
	"rollcall/store"
)

// DCE is a folder of JSON files as DiscordChatExporter 2.47 writes them, one for each channel,
// in the making. It is an Output.
//
// Every tool wants a message to have an id and a channel to have one. Lines of logs have neither:
// such a message gets one that was made of its time, and is marked (see jsonWriter.message). A
// channel of which only a name is known is the one that has that name, if exactly one has.
type DCE struct {
	folder   *folder
	settings Settings
	sorter   sorter
	guilds   []Guild
	files    []dceFile
	byID     map[store.ID]int // of the present guild: files
	byName   map[string]int
	named    map[string]store.ID // of the present guild: 0 if several have the name
	channels map[store.ID]Channel
	users    map[store.Person]string
	user     store.ID
}

// dceFile is a channel.
type dceFile struct {
	guild    int
	id       store.ID
	name     string
	parent   store.ID
	category string
}

// NewDCE begins a folder that is to be called path; there must be nothing yet, or an empty folder.
func NewDCE(path string, o Settings) (*DCE, error) {
	f, err := newFolder(path)
	if err != nil {
		return nil, err
	}
	d := &DCE{folder: f, settings: o, users: map[store.Person]string{}}
	d.sorter = sorter{most: runBytes, create: func() (*os.File, error) { return os.CreateTemp(f.temporary, "run-*") }}
	return d, nil
}

// Guild begins a guild.
func (d *DCE) Guild(g Guild) error {
	d.guilds = append(d.guilds, g)
	d.byID, d.byName, d.named, d.channels = map[store.ID]int{}, map[string]int{}, map[string]store.ID{}, map[store.ID]Channel{}
	return nil
}

// Channel adds a channel.
func (d *DCE) Channel(c Channel) error {
	if c.ID == 0 {
		return nil
	}
	d.channels[c.ID] = c
	if _, taken := d.named[c.Name]; taken {
		d.named[c.Name] = 0
	} else {
		d.named[c.Name] = c.ID
	}
	return nil
}

// User begins a user.
func (d *DCE) User(u User) error {
	d.user = u.ID
	if u.Name != "" {
		d.users[store.Person{User: u.ID, Guild: d.guilds[len(d.guilds)-1].ID}] = u.Name
	}
	return nil
}

// Record adds a message.
func (d *DCE) Record(r *store.Record) error {
	p := place{file: d.fileOf(r.Channel), time: r.Time, id: uint64(r.Message), user: r.User}
	return d.sorter.add(p, r)
}

// fileOf returns the file of a record's channel.
func (d *DCE) fileOf(c store.Channel) int {
	if c.ID == 0 {
		c.ID = d.named[c.Name]
	}
	if c.ID == 0 {
		at, ok := d.byName[c.Name]
		if !ok {
			at = d.newFile(store.Channel{Name: c.Name}, 0)
			d.byName[c.Name] = at
		}
		return at
	}
	at, ok := d.byID[c.ID]
	if !ok {
		known := d.channels[c.ID]
		if known.Name != "" {
			c.Name = known.Name
		}
		at = d.newFile(c, known.Parent)
		d.byID[c.ID] = at
	}
	return at
}

func (d *DCE) newFile(c store.Channel, parent store.ID) int {
	d.files = append(d.files, dceFile{len(d.guilds) - 1, c.ID, c.Name, parent, d.channels[parent].Name})
	return len(d.files) - 1
}

// Commit writes the files and gives the folder its name.
func (d *DCE) Commit() (err error) {
	var w *dceWriter
	at := -1
	err = d.sorter.each(func(p place, b []byte) error {
		if p.file != at {
			if err := w.end(); err != nil {
				return err
			}
			at = p.file
			if w, err = d.begin(p.file); err != nil {
				return err
			}
		}
		return w.add(p, b)
	})
	if err == nil {
		err = w.end()
	} else if w != nil {
		w.file.Close()
	}
	if err != nil {
		return err
	}
	if err := d.sorter.close(); err != nil {
		return err
	}
	return d.folder.commit()
}

// Discard removes what there is of a folder that was not committed.
func (d *DCE) Discard() {
	d.sorter.close()
	d.folder.discard()
}

// dceWriter is a file in the making.
type dceWriter struct {
	file  *os.File
	json  *jsonWriter
	count int64
	names names
	last  snowflakes
}

func (d *DCE) begin(number int) (*dceWriter, error) {
	f := d.files[number]
	g := d.guilds[f.guild]
	id := f.id
	if id == 0 {
		id = madeChannel(number)
	}
	file, err := d.folder.create(fileName(g, f.name, id))
	if err != nil {
		return nil, err
	}
	w := &dceWriter{file: file, json: &jsonWriter{w: bufio.NewWriterSize(file, 1<<16), guild: g, channel: f, users: d.users}}
	w.json.head(id, d.settings.Made)
	return w, nil
}

// madeChannel is an id for a channel of which only the name is known. Discord's are larger.
func madeChannel(number int) store.ID { return store.ID(number + 1) }

func (w *dceWriter) add(p place, b []byte) error {
	var r store.Record
	var x store.Extra
	f := fields{b: b, names: &w.names}
	f.record(&r, &x)
	r.Guild, r.User = w.json.guild.ID, p.user
	id := r.Message
	if id == 0 {
		id = w.last.made(r.Time)
	}
	w.count++
	w.json.message(id, &r)
	return w.json.err()
}

// end ends the file. Of nil it does nothing.
func (w *dceWriter) end() error {
	if w == nil {
		return nil
	}
	w.json.foot(w.count)
	if err := w.json.w.Flush(); err != nil {
		w.file.Close()
		return err
	}
	return finish(w.file)
}

// snowflakes makes ids for messages that have none: of their time, no two the same.
type snowflakes struct {
	millis int64
	n      uint64
}

// made returns an id of an instant. Instants come in order.
func (s *snowflakes) made(at store.Micros) store.ID {
	millis := max(int64(at)/1000-snowflake.Epoch, 0)
	if millis == s.millis {
		s.n++
	} else {
		s.millis, s.n = millis, 0
	}
	return store.ID(uint64(millis)<<22 | s.n&(1<<22-1))
}

// fileName is what DiscordChatExporter calls a file. What is not allowed in a name on some
// system, or leads elsewhere, becomes an underscore.
func fileName(g Guild, channel string, id store.ID) string {
	name := g.Name
	if name == "" {
		name = g.ID.String()
	}
	return fmt.Sprintf("%s - %s [%s].json", portable(name), portable(channel), id)
}

// nameBytes is how long a part of a name is at most: most file systems take 255 for all.
const nameBytes = 90

func portable(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || !unicode.IsPrint(r) && r != ' ' || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, s)
	for len(s) > nameBytes {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	if s = strings.Trim(s, " ."); s == "" {
		return "_"
	}
	return s
}
