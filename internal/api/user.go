package api

import (
	"context"
	"net/http"

	"rollcall/store"
)

func (s *Server) getUser(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), queryTime)
	defer cancel()
	q, err := s.query(r, "channels", "window", "since", "until", "tz")
	if err != nil {
		return err
	}
	days := s.days(w, q)
	guild, user, profile, err := s.profile(ctx, r.PathValue("guild"), r.PathValue("user"), q.channels, days)
	if err != nil {
		return err
	}
	selects, err := s.store.Part(q.channels).Select(ctx, guild.ID)
	if err != nil {
		return err
	}
	words, emojis, err := s.countWords(ctx, store.Query{Guild: guild.ID, User: user, When: days.When, Channel: selects}, topWords, topEntries)
	if err != nil {
		return err
	}
	return sendAnswer(w, r, User{
		Guild: guild.ID, ID: user, Name: profile.Name,
		Messages: profile.Messages, First: profile.First, Last: profile.Last, Hours: profile.Hours, Weekdays: profile.Weekdays,
		TopChannels: firstChannels(profile.Channels), TopWords: words, TopEmojis: emojis,
		Streak: profile.Streak, LongestStreak: profile.LongestStreak, LastDay: profile.LastDay,
	})
}

// profile finds a guild and a user in it by what a caller calls them, and what is known
// of the user in these channels (nil: all).
func (s *Server) profile(ctx context.Context, guildText, userText string, channels []store.ID, days store.Days) (guild store.Guild, user store.ID, p store.Profile, err error) {
	if guild, err = s.guild(ctx, guildText); err != nil {
		return guild, 0, p, err
	}
	if err = checkName("user", userText); err != nil {
		return guild, 0, p, err
	}
	if user, err = s.user(ctx, []store.Guild{guild}, userText); err != nil {
		return guild, 0, p, err
	}
	p, known, err := s.store.Part(channels).Profile(ctx, guild.ID, user, days, s.now())
	if err == nil && !known {
		err = problem(http.StatusNotFound, "no such user: %.64q", userText)
	}
	return guild, user, p, err
}
