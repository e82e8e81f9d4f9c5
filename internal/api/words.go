package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"rollcall/internal/words"
	"rollcall/store"
)

const (
	topWords = 20 // how many words are named unless a limit is given
	// maxCounts is how many guilds' words are counted at a time: each keeps a
	// processor busy, which live messages need too.
	maxCounts = 2
	// dictionaryTime is how long dictionaries are kept that nobody needs.
	dictionaryTime = 5 * time.Minute
)

func (s *Server) getWords(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), queryTime)
	defer cancel()
	q, err := s.query(r, "user", "channels", "as", "window", "since", "until", "tz", "limit")
	if err != nil {
		return err
	}
	days := s.days(w, q)
	guild, part, err := s.guildPart(ctx, r, q)
	if err != nil {
		return err
	}
	selected := store.Query{Guild: guild.ID, When: days.When}
	if q.user == "" {
		if selected.Channel, err = part.Select(ctx, guild.ID); err != nil {
			return err
		}
	} else {
		if _, selected.User, err = s.guildAndUser(ctx, r.PathValue("guild"), q.user); err != nil {
			return err
		}
		if _, selected.Channel, err = s.profile(ctx, part, guild.ID, selected.User, q.user, days); err != nil {
			return err
		}
	}
	var out Words
	if out.Words, out.Emojis, err = s.countWords(ctx, part, selected, q.limitOr(topWords), q.limitOr(topEntries)); err != nil {
		return err
	}
	return sendAnswer(w, r, out)
}

// countWords reads what was written, page by page, and returns the most frequent
// words and emoji. Damaged records are left out.
func (s *Server) countWords(ctx context.Context, from store.Part, q store.Query, most, mostEmojis int) ([]words.Word, []words.Emoji, error) {
	if q.User == 0 {
		select {
		case s.counts <- struct{}{}:
			defer func() { <-s.counts }()
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
	counter := s.lexicon.NewCounter()
	for record, err := range from.Records(ctx, q) {
		if errors.Is(err, store.ErrLeftOut) {
			break
		}
		if err == nil {
			err = counter.Add(record.Content)
		}
		if errors.Is(err, words.ErrTooMany) {
			return nil, nil, problem(http.StatusUnprocessableEntity, "%v: narrow the question by user, since or until", err)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	top, emojis := counter.Top(most, mostEmojis)
	return top, emojis, nil
}
