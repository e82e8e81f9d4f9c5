package migration

import (
	"context"

	"rollcall/store"
)

// pass takes in what one walk finds, guild after guild, day after day.
type pass struct {
	*migration
	walk *walk
	most int // records in a step
	// emit is called with each step, in order.
	emit func(context.Context, step) error
	// rest is called between two days of a guild of which the first gave
	// something; nil for no rest.
	rest func(context.Context) error
}

// guild takes in the given days of a guild. It returns whether they gave anything.
func (p *pass) guild(ctx context.Context, g *guild, days []day) (gave bool, err error) {
	rest := false
	for _, d := range days {
		if err := ctx.Err(); err != nil {
			return gave, err
		}
		dayGave, begun, err := p.day(ctx, g, d, rest)
		gave = gave || dayGave
		if err != nil {
			return gave, err
		}
		if begun {
			rest = dayGave
		}
	}
	p.walk.reportTexts(g)
	if !gave {
		return false, nil
	}
	return true, p.emit(ctx, step{end: &ending{guild: g}})
}

// day takes in the files of a day that have something to read, after a rest if
// it has any and one is due.
func (p *pass) day(ctx context.Context, g *guild, d day, rest bool) (gave, begun bool, err error) {
	files, whole := p.walk.files(g, d)
	var jobs []job
	end := ending{guild: g, date: d.date}
	named := map[store.ID]bool{} // the guilds that the day's files are of
	for _, f := range files {
		if f.folder != 0 && !f.byName {
			named[f.folder] = true
		}
		j, todo, read, err := p.job(ctx, f)
		switch {
		case err != nil:
			return false, false, err
		case todo:
			jobs = append(jobs, j)
		case read:
			end.rest.Add(j.cursor.Counts)
		default:
			whole = false
		}
	}
	if len(jobs) == 0 {
		return false, false, nil
	}
	if rest && p.rest != nil {
		if err := p.rest(ctx); err != nil {
			return false, false, err
		}
	}
	if g.channels == nil && g.id != 0 {
		g.channels = p.walk.channelIDs(g)
	}
	for i, j := range jobs {
		var seen map[store.ID]bool
		if j.folder == 0 || j.byName {
			seen = named
		}
		last := i == len(jobs)-1
		fileWhole, fileGave, err := p.take(ctx, g, j, seen, func() []store.GuildDay {
			if !last || !whole || g.emergency {
				return nil
			}
			return doneDays(g, d, named)
		})
		whole, gave = whole && fileWhole, gave || fileGave
		if err != nil {
			return gave, true, err
		}
	}
	if end.whole = whole; gave && d.date != "" {
		return true, true, p.emit(ctx, step{end: &end})
	}
	return gave, true, nil
}

// doneDays returns for which guilds a day is done: those whose id a folder is named
// after and those that the lines in other folders named. Only if neither tells, it is the
// one that the folder's name or guilds_map.json does.
func doneDays(g *guild, d day, named map[store.ID]bool) []store.GuildDay {
	for _, folder := range d.folders {
		if len(named) == 0 && folder.guild != 0 && !d.isSplit {
			named[folder.guild] = true
		}
	}
	if len(named) == 0 && g.id != 0 {
		named[g.id] = true
	}
	var done []store.GuildDay
	for id := range named {
		done = append(done, store.GuildDay{Guild: id, Date: d.date})
	}
	return done
}
