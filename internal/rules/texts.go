package rules

import (
	"os"
	"strings"

	"rollcall/store"
)

// maxGuildFiles bounds the guilds' files that StoresTexts looks into; beyond that it
// takes for granted that some guild stores texts.
const maxGuildFiles = 10_000

// StoresTexts reports whether the texts of messages may be stored in any guild: where
// that is not so, they need not be asked for. It reads the guilds' files. Where it
// cannot tell, it reports true.
func (r *Rules) StoresTexts() bool {
	if len(r.guildsAllow) > 0 {
		for guild := range r.guildsAllow {
			if r.keepsTextsOf(guild) {
				return true
			}
		}
		return false
	}
	if r.storeContent || r.dir == "" {
		return r.storeContent // a guild without a file may come at any time
	}
	files, err := os.ReadDir(r.dir)
	if err != nil || len(files) > maxGuildFiles {
		return true
	}
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), ".json")
		if !ok {
			continue
		}
		if guild, err := store.ParseID(name); err == nil && r.keepsTextsOf(guild) {
			return true
		}
	}
	return false
}

func (r *Rules) keepsTextsOf(guild store.ID) bool {
	return r.GuildAllowed(guild) && r.KeepsTexts(guild)
}

// KeepsTexts reports whether the texts of a guild's messages are kept.
func (r *Rules) KeepsTexts(guild store.ID) bool {
	file := r.file(guild)
	return file.mode != modeClosed && r.keepsContent(file)
}
