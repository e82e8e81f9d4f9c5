package corpus

import (
	"database/sql"
	"fmt"
	"net/url"
	"strings"

	_ "modernc.org/sqlite" // the driver
)

// Script makes a SQLite database at path of statements. With wal, what they write stays
// in the write-ahead log beside it, as in a database that is in use; close ends the use.
func Script(path string, wal bool, statements ...string) (close func() error, err error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if wal {
		statements = append([]string{`PRAGMA journal_mode = wal`, `PRAGMA wal_autocheckpoint = 0`}, statements...)
	}
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			db.Close()
			return nil, fmt.Errorf("%.100s: %w", s, err)
		}
	}
	return db.Close, nil
}

// DHT is an archive of Discord History Tracker of a schema, which has users, channels of
// each kind and messages of each sort.
func DHT(schema int) (statements []string) {
	add := func(format string, a ...any) { statements = append(statements, fmt.Sprintf(format, a...)) }
	add(`CREATE TABLE metadata (key TEXT PRIMARY KEY, value TEXT)`)
	add(`INSERT INTO metadata VALUES ('version', '%d')`, schema)
	display, displayed := "", ""
	if schema >= 8 {
		display, displayed = "display_name TEXT, ", "'Mara Quill', "
	}
	add(`CREATE TABLE users (id INTEGER PRIMARY KEY NOT NULL, name TEXT NOT NULL, %savatar_url TEXT, discriminator TEXT)`, display)
	add(`INSERT INTO users VALUES (300000000000000001, 'mara', %sNULL, '0')`, displayed)
	add(`INSERT INTO users VALUES (300000000000000004, 'weatherbot', %sNULL, NULL)`, strings.ReplaceAll(displayed, "'Mara Quill'", "NULL"))
	icon, iconed := "", ""
	if schema >= 11 {
		icon, iconed = ", icon_hash TEXT", ", NULL"
	}
	add(`CREATE TABLE servers (id INTEGER PRIMARY KEY NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL%s)`, icon)
	add(`INSERT INTO servers VALUES (920202020202020202, 'Upland', 'SERVER'%s), (700000000000000555, 'otto', 'DM'%s), (700000000000000556, 'us', 'GROUP'%s)`, iconed, iconed, iconed)
	parent, none, thread := "", "", ""
	if schema >= 2 {
		parent, none, thread = "parent_id INTEGER, ", "NULL, ", "700000000000000001, "
	}
	add(`CREATE TABLE channels (id INTEGER PRIMARY KEY NOT NULL, server INTEGER NOT NULL, name TEXT NOT NULL, %sposition INTEGER, topic TEXT, nsfw INTEGER)`, parent)
	add(`INSERT INTO channels VALUES (700000000000000001, 920202020202020202, '一般', %sNULL, NULL, NULL), (700000000000000007, 920202020202020202, 'boats', %sNULL, NULL, NULL),
		(700000000000000555, 700000000000000555, 'otto', %sNULL, NULL, NULL), (700000000000000556, 700000000000000556, 'us', %sNULL, NULL, NULL), (700000000000000009, 1, 'lost', %sNULL, NULL, NULL)`, none, thread, none, none, none)
	more, mores := "", ""
	if schema <= 2 {
		more, mores = ", edit_timestamp INTEGER, replied_to_id INTEGER", ", %s, %s"
	}
	prefix := ""
	if schema >= 9 {
		prefix = "message_"
	}
	references := ""
	if schema >= 10 {
		references = ", FOREIGN KEY (message_id) REFERENCES messages (message_id) ON UPDATE CASCADE ON DELETE CASCADE"
	}
	add(`CREATE TABLE messages (message_id INTEGER PRIMARY KEY NOT NULL, sender_id INTEGER NOT NULL, channel_id INTEGER NOT NULL, text TEXT NOT NULL, timestamp INTEGER NOT NULL%s)`, more)
	switch {
	case schema >= 9:
		add(`CREATE TABLE attachments (attachment_id INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, type TEXT, normalized_url TEXT NOT NULL, download_url TEXT, size INTEGER NOT NULL, width INTEGER, height INTEGER)`)
		add(`CREATE TABLE message_attachments (message_id INTEGER NOT NULL, attachment_id INTEGER NOT NULL PRIMARY KEY%s)`, references)
	case schema >= 6:
		add(`CREATE TABLE attachments (message_id INTEGER NOT NULL, attachment_id INTEGER NOT NULL PRIMARY KEY NOT NULL, name TEXT NOT NULL, type TEXT, normalized_url TEXT NOT NULL, download_url TEXT, size INTEGER NOT NULL, width INTEGER, height INTEGER)`)
	case schema >= 5:
		add(`CREATE TABLE attachments (message_id INTEGER NOT NULL, attachment_id INTEGER NOT NULL PRIMARY KEY NOT NULL, name TEXT NOT NULL, type TEXT, url TEXT NOT NULL, size INTEGER NOT NULL, width INTEGER, height INTEGER)`)
	default:
		add(`CREATE TABLE attachments (message_id INTEGER NOT NULL, attachment_id INTEGER NOT NULL PRIMARY KEY NOT NULL, name TEXT NOT NULL, type TEXT, url TEXT NOT NULL, size INTEGER NOT NULL)`)
	}
	if schema >= 3 {
		add(`CREATE TABLE %sedit_timestamps (message_id INTEGER PRIMARY KEY NOT NULL, edit_timestamp INTEGER NOT NULL%s)`, prefix, references)
		add(`CREATE TABLE %sreplied_to (message_id INTEGER PRIMARY KEY NOT NULL, replied_to_id INTEGER NOT NULL%s)`, prefix, references)
	}
	add(`CREATE TABLE %sembeds (message_id INTEGER NOT NULL, json TEXT NOT NULL)`, prefix)
	message := func(n int, sender, channel, text, edited, replied string) {
		id := DHTID(n)
		values := fmt.Sprintf(`%d, %s, %s, %s, %d`, id, sender, channel, text, id>>22+1420070400000)
		if schema <= 2 {
			values += fmt.Sprintf(mores, edited, replied)
		}
		add(`INSERT INTO messages VALUES (%s)`, values)
		if schema > 2 && edited != "NULL" {
			add(`INSERT INTO %sedit_timestamps VALUES (%d, %s)`, prefix, id, edited)
		}
		if schema > 2 && replied != "NULL" {
			add(`INSERT INTO %sreplied_to VALUES (%d, %s)`, prefix, id, replied)
		}
	}
	const mara, bot, gone, general, boats = "300000000000000001", "300000000000000004", "300000000000000077", "700000000000000001", "700000000000000007"
	message(0, mara, general, "'eight'", "NULL", "NULL")
	message(1, mara, general, "'nine'", fmt.Sprint(DHTID(1)>>22+1420070400000+60_000), fmt.Sprint(DHTID(0)))
	message(2, bot, general, "'beep'", "NULL", "NULL")
	message(3, mara, boats, "''", "NULL", boats)
	message(4, mara, boats, "''", "NULL", fmt.Sprint(DHTID(0))) // a forward
	message(5, mara, "700000000000000555", "'psst'", "NULL", "NULL")
	message(6, mara, "700000000000000556", "'psst, all'", "NULL", "NULL")
	message(7, mara, "700000000000000009", "'where?'", "NULL", "NULL")
	message(8, gone, general, "'of nobody who is known'", "NULL", "12345678901234567")
	if schema >= 9 {
		add(`INSERT INTO attachments VALUES (1, 'a.png', NULL, 'u', 'u', 9, NULL, NULL), (2, 'b.png', NULL, 'u', 'u', 9, NULL, NULL)`)
		add(`INSERT INTO message_attachments VALUES (%d, 1), (%d, 2)`, DHTID(0), DHTID(0))
	} else {
		columns := "NULL, 'u', 9"
		switch {
		case schema >= 6:
			columns = "NULL, 'u', 'u', 9, NULL, NULL"
		case schema == 5:
			columns = "NULL, 'u', 9, NULL, NULL"
		}
		add(`INSERT INTO attachments VALUES (%d, 1, 'a.png', %s), (%d, 2, 'b.png', %s)`, DHTID(0), columns, DHTID(0), columns)
	}
	return statements
}

// DHTID is the id of the n-th message of an archive made by DHT, a second apart.
func DHTID(n int) uint64 { return 1246372667850752000 + uint64(n)*(1000<<22) }
