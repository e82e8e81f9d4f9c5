package api

import (
	"context"
	"net/http"

	"rollcall/store"
)

func (s *Server) getUser(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), queryTime)
	defer cancel()
	q, err := s.query(r, "channels", "as", "window", "since", "until", "tz")
	if err != nil {
		return err
	}
	days := s.days(w, q)
	guild, user, err := s.guildAndUser(ctx, r.PathValue("guild"), r.PathValue("user"))
	if err != nil {
		return err
	}
	of, err := s.part(ctx, guild.ID, q)
	if err != nil {
		return err
	}
	answer := User{Guild: guild.ID, ID: user}
	err = of.Moment(ctx, func(part store.Part) error {
		profile, selects, err := s.profile(ctx, part, guild.ID, user, r.PathValue("user"), days)
		if err != nil {
			return err
		}
		answer.Name, answer.TopChannels = profile.Name, firstChannels(profile.Channels)
		answer.Messages, answer.First, answer.Last, answer.Hours, answer.Weekdays = profile.Messages, profile.First, profile.Last, profile.Hours, profile.Weekdays
		answer.Streak, answer.LongestStreak, answer.LastDay = profile.Streak, profile.LongestStreak, profile.LastDay
		words := store.Query{Guild: guild.ID, User: user, When: days.When, Channel: selects}
		answer.TopWords, answer.TopEmojis, err = s.countWords(ctx, part, words, topWords, topEntries)
		return err
	})
	if err != nil {
		return err
	}
	return sendAnswer(w, r, answer)
}

// guildAndUser finds a guild and a user in it by what a caller calls them.
func (s *Server) guildAndUser(ctx context.Context, guildText, userText string) (guild store.Guild, user store.ID, err error) {
	if guild, err = s.guild(ctx, guildText); err != nil {
		return guild, 0, err
	}
	if err = checkName("user", userText); err != nil {
		return guild, 0, err
	}
	user, err = s.user(ctx, []store.Guild{guild}, userText)
	return guild, user, err
}

// profile returns what is known of a user in a part of a guild, and what selects the records
// of the part.
func (s *Server) profile(ctx context.Context, part store.Part, guild, user store.ID, called string, days store.Days) (store.Profile, func(store.Channel) bool, error) {
	p, known, err := part.Profile(ctx, guild, user, days, s.now())
	if err != nil {
		return p, nil, err
	}
	if !known {
		return p, nil, problem(http.StatusNotFound, "no such user: %.64q", called)
	}
	selects, err := part.Select(ctx, guild)
	return p, selects, err
}
