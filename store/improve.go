package store

import (
	"slices"
	"strings"

	"rollcall/store/internal/kv"
	"rollcall/store/internal/record"
)

// improve adds to a record what another source knows better, and reports whether that was
// anything.
func (g *guildTx) improve(key record.Key, p *putOp, keepEdited bool) (bool, error) {
	b := key.Append(nil)
	s, err := record.Read(b, g.records.Get(b), key.Time)
	if err != nil || !mayImprove(&s, p.more) {
		return false, err
	}
	if s, err = g.whole(key); err != nil {
		return false, err
	}
	r := *p.more
	if r.ReplyToUser != 0 && g.w.forgotten.has(Person{r.ReplyToUser, g.id}) {
		r.ReplyTo, r.ReplyToUser = 0, 0
	}
	before := s
	if err := improve(&s, &r, p.gone, keepEdited, func() error { return g.keepWords(key, &s) }); err != nil || s.SameContent(&before) {
		return false, err
	}
	g.leave()
	if untold(&before, &r) && before.First == 0 && !r.Formatted && !p.gone {
		s.Loose = r.Edited != 0
		return true, g.tellFirst(key, &s)
	}
	return true, g.records.Replace(key, recordValue(g, key, &s, s.Text))
}

// tellFirst stores a message as it would have been at first sight, had its text not been withheld
// then. By what was known of it before, it may have taken any line, or none: both look for
// their best again.
func (g *guildTx) tellFirst(key record.Key, now *record.Value) error {
	if err := g.approach(key.User, key.Time); err != nil {
		return err
	}
	at, found := slices.BinarySearchFunc(g.near.messages, key, func(m *message, key record.Key) int { return m.key.Compare(key) })
	if !found {
		return kv.Damaged(key.Append(nil))
	}
	m := g.near.messages[at]
	line, err := g.release(m)
	if err != nil {
		return err
	}
	if line != nil && line.borrowed {
		if err := g.openWords(&line.words); err != nil {
			return err
		}
		line.borrowed = false
	}
	now.InLogs, now.Line = false, m.Line
	m.Value, m.opened = *now, true
	m.words = words{has: true, open: true, text: now.Text, size: len(now.Text)}
	if err := g.rewrite(m); err != nil {
		return err
	}
	if err := g.settleMessage(m, false); err != nil || line == nil {
		return err
	}
	return g.settleLine(line, line.gone)
}

// correct lets what Discord itself says of a message replace what an archive said of it,
// or what Discord had withheld.
func (g *guildTx) correct(p *putOp) error {
	if p.more.Source == SourceImport || g.removed(p.key) {
		return nil
	}
	b := p.key.Append(nil)
	s, err := record.Read(b, g.records.Get(b), p.key.Time)
	if err != nil || s.Source != SourceImport && !untold(&s, p.more) && !untoldForward(&s, p.more) {
		return nil // what is damaged is told of when it is read
	}
	_, err = g.improve(p.key, p, false)
	return err
}

// mayImprove reports whether another source may know something better, by what shows
// without opening the text: nearly all that is read again does not.
func mayImprove(s *record.Value, r *Record) bool {
	ours := s.Source == SourceImport
	return r.Edited > s.Edited || untold(s, r) ||
		ours && (r.Source != SourceImport || !r.Formatted && hasMarks(r.Content) || r.Attachments > s.Attachments) ||
		s.ReplyTo != r.ReplyTo && s.ReplyTo == 0 || s.ReplyUser != r.ReplyToUser && s.ReplyUser == 0 ||
		r.Extra != nil && !s.Forward && s.MoreSize == 0 || untoldForward(s, r)
}

// improve changes a record by what another source says of the same message; gone says
// that a text is not to be kept, keepEdited that an edit changes none. Before the text
// changes it calls keep.
func improve(s *record.Value, r *Record, gone, keepEdited bool, keep func() error) error {
	if !s.Gone && !gone {
		better := r.Edited > s.Edited && !keepEdited
		if untold(s, r) && !r.Formatted {
			s.Text, s.Edited, s.Attachments = []byte(r.Content), r.Edited, min(r.Attachments, record.MaxCount)
			better = false
		}
		if s.Source == SourceImport && r.Edited == s.Edited {
			// What Discord itself tells is right; a raw text is better than a formatted one.
			better = r.Source != SourceImport || !r.Formatted && hasMarks(r.Content) && !hasMarks(string(s.Text))
		}
		if r.Formatted && hasMarks(string(s.Text)) {
			better = false
		}
		if better && (string(s.Text) != r.Content || r.Edited > s.Edited) {
			if err := keep(); err != nil {
				return err
			}
			s.Text = []byte(r.Content)
		}
		if better {
			s.Edited = max(s.Edited, r.Edited)
		}
		if !s.Forward && len(s.More) == 0 && r.Extra != nil || untoldForward(s, r) {
			s.SetExtra(r.Extra)
		}
	}
	if s.ReplyTo == 0 || s.ReplyTo == r.ReplyTo && s.ReplyUser == 0 {
		s.ReplyTo, s.ReplyUser = r.ReplyTo, r.ReplyToUser
	}
	if s.Source == SourceImport {
		s.Attachments = max(s.Attachments, min(r.Attachments, record.MaxCount))
	}
	return nil
}

// unsaid reports whether a message is stored without anything that was written.
func unsaid(s *record.Value) bool {
	return s.Loose && !s.Gone && s.TextSize() == 0 && s.Attachments == 0 && s.MoreSize == 0 && !s.Forward && s.Edited == 0
}

// untold reports whether a message is stored without what it said, which r may know. That
// Discord withholds texts need not show of a single message, such as one with a sticker: what
// was edited at the same time, or never, and has a text in r, had it then.
func untold(s *record.Value, r *Record) bool {
	return unsaid(s) || !s.Gone && s.TextSize() == 0 && s.Attachments == 0 && s.Edited == r.Edited &&
		r.Source != SourceImport && (r.Content != "" || r.Attachments > 0)
}

// untoldForward reports whether a message is stored as a forward of nothing, as Discord
// shows it while it withholds texts, and r knows of what.
func untoldForward(s *record.Value, r *Record) bool {
	return s.Forward && !s.Gone && s.MoreSize == 0 && r.Extra != nil && r.Extra.Forwarded != nil &&
		(r.Extra.Forwarded.Content != "" || r.Extra.Forwarded.Attachments > 0)
}

// hasMarks reports whether a text has marks that a formatted one has names for.
func hasMarks(text string) bool {
	for at := strings.IndexByte(text, '<'); at >= 0 && at+1 < len(text); {
		switch text[at+1] {
		case '@', '#', ':', 't', 'a', '/':
			return true
		}
		next := strings.IndexByte(text[at+1:], '<')
		if next < 0 {
			break
		}
		at += 1 + next
	}
	return false
}
