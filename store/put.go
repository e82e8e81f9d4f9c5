package store

import (
	"rollcall/store/internal/kv"
	"rollcall/store/internal/record"
	"rollcall/store/internal/rollup"
)

// putMessages puts records that have ids and returns how many were new.
func (g *guildTx) putMessages(batch []putOp) (int, error) {
	stored := 0
	g.coming = len(batch)
	disowned, err := g.disowned(batch)
	if err != nil {
		return 0, err
	}
	for i := range batch {
		p := &batch[i]
		if p.out || g.isForgotten(p.key.User) {
			g.w.keepsOut(p)
			continue
		}
		if disowned(p.key) || g.has(p.key) {
			g.w.noteDuplicate(p.more.Source)
			if err := g.correct(p); err != nil {
				return 0, err
			}
			continue
		}
		before := len(g.deltas)
		s, err := g.storedOf(p)
		if err != nil {
			return 0, err
		}
		at := p.key.Time
		g.info.ids.Add(at)
		if !g.info.logs.Overlaps(at-logBefore, at+logAfter) {
			put(g, p.key, &s, p.kept())
		} else if err := g.mergeMessage(p, s, false); err != nil {
			return 0, err
		}
		stored++
		g.newest[p.channel].Add(p.key.Time)
		if err := g.catchUp(p.key); err != nil {
			return 0, err
		}
		g.noteNew(p.more.Source, before)
	}
	return stored, g.noteNames()
}

// storedOf is what is stored of a message, but for its content.
func (g *guildTx) storedOf(p *putOp) (record.Value, error) {
	channel, err := g.numberOf(p)
	r := p.more
	s := record.Value{
		Source: r.Source, Channel: channel, ReplyTo: r.ReplyTo, ReplyUser: r.ReplyToUser, Attachments: r.Attachments,
		Edited: r.Edited, Gone: p.gone, Loose: r.Edited != 0 || r.Formatted, Line: record.Line{Channel: channel},
	}
	if r.Extra != nil {
		s.SetExtra(r.Extra)
	}
	if s.Gone {
		s.More, s.MoreSize = nil, 0
		s.First = g.w.hash("", []byte(p.content))
	}
	if s.ReplyUser != 0 && g.w.forgotten.has(Person{s.ReplyUser, g.id}) {
		s.ReplyTo, s.ReplyUser = 0, 0
	}
	return s, err
}

// outcome is what became of a line.
type outcome uint8

const (
	lineNew       outcome = iota // stored, or merged into its message
	lineKnown                    // there already
	lineForgotten                // of somebody who is forgotten or no person, or kept out by the gate
)

// putLines puts log records and tells of each what became of it.
func (g *guildTx) putLines(lines []putOp, tell func(p *putOp, o outcome)) error {
	g.coming = len(lines)
	first, last := lines[0].key.Time, lines[0].key.Time
	for i := range lines {
		first, last = min(first, lines[i].key.Time), max(last, lines[i].key.Time)
	}
	put := g.mergeOp
	if !g.info.ids.Overlaps(first-logAfter, last+logBefore) {
		known := g.known(lines)
		put = func(i int, p *putOp) (bool, error) {
			if known[i] {
				return false, nil
			}
			return true, g.putLine(p)
		}
	}
	for i := range lines {
		p := &lines[i]
		if p.out || g.isForgotten(p.key.User) || g.isAccount(p.key.User) {
			tell(p, lineForgotten)
			continue
		}
		before := len(g.deltas)
		isNew, err := put(i, p)
		if err != nil {
			return err
		}
		if isNew {
			g.info.logs.Add(p.key.Time)
			g.noteNew(SourceLog, before)
			tell(p, lineNew)
		} else {
			g.w.noteDuplicate(SourceLog)
			tell(p, lineKnown)
		}
	}
	return nil
}

func (g *guildTx) mergeOp(_ int, p *putOp) (bool, error) { return g.mergeLine(p) }

// putLine stores a line where no message is about.
func (g *guildTx) putLine(p *putOp) error {
	channel, err := g.numberOf(p)
	if err != nil {
		return err
	}
	s := record.Value{Source: SourceLog, Channel: channel, Gone: p.gone}
	if s.Gone {
		s.First = g.w.hash("", []byte(p.content))
	}
	put(g, p.key, &s, p.kept())
	return nil
}

// known says which lines are there already, or earlier in the batch, where no
// message with an id can be about.
func (g *guildTx) known(lines []putOp) []bool {
	known := make([]bool, len(lines))
	for i := range lines {
		known[i] = g.has(lines[i].key) || i > 0 && lines[i-1].key == lines[i].key
	}
	return known
}

// put stores a record that is not there yet.
func put[T string | []byte](g *guildTx, key record.Key, s *record.Value, content T) {
	g.deltas = append(g.deltas, rollup.Delta{User: key.User, Time: key.Time, Channel: s.Channel, By: 1})
	g.records.Add(key, recordValue(g, key, s, content))
}

// putMessage stores a message that is not there yet.
func (g *guildTx) putMessage(m *message) error {
	if m.removed {
		return g.putMarker(m.key, &m.Value)
	}
	put(g, m.key, &m.Value, m.Text)
	return nil
}

// rewrite stores a message that is there, with another log line.
func (g *guildTx) rewrite(m *message) error {
	if m.removed {
		return g.putMarker(m.key, &m.Value)
	}
	if err := g.openMessage(m); err != nil {
		return err
	}
	return g.records.Replace(m.key, recordValue(g, m.key, &m.Value, m.Text))
}

// remove deletes a record.
func (g *guildTx) remove(key record.Key) error {
	if err := g.count(nil); err != nil {
		return err
	}
	if len(g.records.AddedBetween(key, key)) == 0 {
		g.removedFrom[key.User] = true
	}
	b := key.Append(nil)
	s, err := record.Read(b, g.records.Get(b), key.Time)
	if err != nil {
		return err
	}
	g.deltas = append(g.deltas, rollup.Delta{User: key.User, Time: key.Time, Channel: s.Channel, By: -1})
	return g.records.Replace(key, nil)
}

// recordValue makes the value of a record, with its checksum.
func recordValue[T string | []byte](g *guildTx, key record.Key, s *record.Value, content T) []byte {
	size := len(content) + len(s.More) + len(s.Line.Text)
	if size > 0 {
		g.info.texts = min(g.info.texts, key.Time)
	}
	b := record.Append(g.w.arena.Alloc(record.Overhead+size), g.texts, key, s, content)
	return kv.Seal(b[:record.KeySize], b[record.KeySize:])
}

// noteDuplicate counts a record that was there.
func (w *writeTx) noteDuplicate(source Source) { w.outcomes[source].Duplicates++ }

// noteNew counts a record that was not there, by what came and went for it: what
// is in changes from the number that there were before.
func (g *guildTx) noteNew(source Source, before int) {
	net := 0
	for _, c := range g.deltas[before:] {
		net += int(c.By)
	}
	if net > 0 {
		g.w.outcomes[source].Stored++
	} else {
		g.w.outcomes[source].Merged++
	}
}
