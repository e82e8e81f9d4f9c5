package datapackage

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"rollcall/internal/importer/archive"
	"rollcall/internal/jsonscan"
	"rollcall/store"
)

// maxSmall bounds the small files: channel.json, user.json, index.json.
const maxSmall = 32 << 20

// ErrNoAccount says that a package does not tell whose it is.
var ErrNoAccount = errors.New("whose messages these are is not known, since Account/user.json is missing or has no id: unpack or ask for the whole package")

// Package is an open package.
type Package struct {
	fsys     fs.FS
	channels []string // their folders
	user     store.ID
	name     string
	names    map[string]string // of channels, by id
	size     int64             // of all files with messages
}

// Is reports whether a folder is that of messages: index.json beside folders of which one
// has a channel.json.
func Is(fsys fs.FS, dir string) bool {
	return len(channelsIn(fsys, dir, 1)) > 0 && find(fsys, dir, "index.json") != ""
}

// Open opens the package whose folder of messages is dir.
func Open(fsys fs.FS, dir string) (*Package, error) {
	p := &Package{fsys: fsys, channels: channelsIn(fsys, dir, -1), names: map[string]string{}}
	if text, err := readSmall(fsys, find(fsys, dir, "index.json")); err == nil {
		c := &jsonscan.Cursor{S: text}
		c.Members(func(key string) { p.names[key] = c.Value().Text() })
	}
	for _, folder := range p.channels {
		if name := messagesIn(fsys, folder); name != "" {
			if info, err := fs.Stat(fsys, name); err == nil {
				p.size += info.Size()
			}
		}
	}
	return p, p.findAccount(path.Dir(dir))
}

// findAccount looks for user.json in the folder Account, which may have another name,
// beside the messages.
func (p *Package) findAccount(root string) error {
	entries, err := fs.ReadDir(p.fsys, root)
	if err != nil {
		return fmt.Errorf("read the package: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		text, err := readSmall(p.fsys, find(p.fsys, path.Join(root, e.Name()), "user.json"))
		if err != nil {
			continue
		}
		var username, global string
		c := &jsonscan.Cursor{S: text}
		c.Members(func(key string) {
			switch key {
			case "id":
				p.user = archive.ID(idText(c.Value()))
			case "username":
				username = c.Value().Text()
			case "global_name":
				global = c.Value().Text()
			default:
				c.Skip()
			}
		})
		if p.name = global; p.name == "" {
			p.name = username
		}
		if p.user != 0 {
			return nil
		}
	}
	return ErrNoAccount
}

// channelsIn returns the folders of a folder that have a channel.json, at most so many if
// most is not negative.
func channelsIn(fsys fs.FS, dir string, most int) (folders []string) {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if len(folders) == most {
			break
		}
		folder := path.Join(dir, e.Name())
		if e.IsDir() && find(fsys, folder, "channel.json") != "" {
			folders = append(folders, folder)
		}
	}
	return folders
}

// find returns the path of a file in a folder, whatever the case of its name, "" if there
// is none.
func find(fsys fs.FS, dir, name string) string {
	exact := path.Join(dir, name)
	if info, err := fs.Stat(fsys, exact); err == nil && info.Mode().IsRegular() {
		return exact
	}
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return ""
	}
	i := slices.IndexFunc(entries, func(e fs.DirEntry) bool { return strings.EqualFold(e.Name(), name) && e.Type().IsRegular() })
	if i < 0 {
		return ""
	}
	return path.Join(dir, entries[i].Name())
}

// messagesIn returns the file with a channel's messages, "" if there is none.
func messagesIn(fsys fs.FS, dir string) string {
	if name := find(fsys, dir, "messages.json"); name != "" {
		return name
	}
	return find(fsys, dir, "messages.csv")
}

func readSmall(fsys fs.FS, name string) (string, error) {
	if name == "" {
		return "", fs.ErrNotExist
	}
	f, err := fsys.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSmall))
	return strings.TrimPrefix(string(text), "\ufeff"), err
}

// idText is an id as it is written, as a text or as a number.
func idText(v jsonscan.Value) string {
	if v.Kind == jsonscan.Number {
		return v.Raw
	}
	return v.Text()
}
