package migration

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"rollcall/internal/ndjson"
	"rollcall/store"
)

const (
	guildsFile   = "guilds_map.json"
	channelsFile = "guilds_and_channels.json"
	// namesLimit is the greatest size of these files in bytes: more than 50,000
	// guilds or channels. A larger one is none of the bot's.
	namesLimit = 4 << 20
)

// looseID is an id in a file that people edit too: a string or a number, 0 if
// it is neither.
type looseID store.ID

func (id *looseID) UnmarshalJSON(b []byte) error {
	*id = 0
	if v, err := store.ParseID(strings.Trim(string(b), `"`)); err == nil {
		*id = looseID(v)
	}
	return nil
}

// guildsByName reads guilds_map.json, which need not be there.
func (w *walk) guildsByName() guildNames {
	var ids map[string]looseID
	w.readNames(w.root, guildsFile, &ids)
	return newGuildNames(ids)
}

// channelIDs reads the ids of a guild's channels by their names as they were
// when the bot last wrote them down. A name that several channels have is left
// out: which of them was meant nobody can tell.
func (w *walk) channelIDs(g *guild) map[string]store.ID {
	ids := map[string]store.ID{}
	folders := g.folders
	if g.nested { // the list is in the folder of the guild's id
		if e, err := w.look(w.root, g.id.String()); err == nil {
			folders = []entry{e}
		}
	}
	for _, folder := range folders {
		var list struct {
			Channels []struct {
				Name string  `json:"name"`
				ID   looseID `json:"id"`
			} `json:"channels"`
		}
		if !w.readNames(folder, channelsFile, &list) {
			continue
		}
		for _, c := range list.Channels {
			id, known := ids[c.Name]
			switch {
			case !known:
				ids[c.Name] = store.ID(c.ID)
			case id != store.ID(c.ID):
				ids[c.Name] = 0
			}
		}
	}
	return ids
}

// readNames reads a JSON file into v and reports whether it could. A file that is
// there and cannot be used is reported.
func (w *walk) readNames(folder entry, name string, v any) bool {
	e, err := w.look(folder, name)
	if !e.isLink && errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if err == nil {
		err = ndjson.CheckMode(e.info.Mode())
	}
	if err == nil {
		err = readJSON(e.real, v)
		if rel, ok := w.below(e.real); e.linked && ok && !hasOwnPlace(rel) {
			w.linked[e.real] = true // it is none of those that nobody reads
		}
	}
	if err != nil {
		w.report.trouble(e.path, err)
		return false
	}
	w.report.fine(e.path)
	return true
}

func readJSON(name string, v any) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, namesLimit+1))
	if err != nil {
		return err
	}
	if len(b) > namesLimit {
		return fmt.Errorf("larger than %d MiB", namesLimit>>20)
	}
	return json.Unmarshal(b, v)
}
