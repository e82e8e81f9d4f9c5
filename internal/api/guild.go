package api

import (
	"context"
	"math"
	"net/http"

	"rollcall/store"
)

// topEntries is how many channels, users and emoji a guild's and a user's answer name.
const topEntries = 10

func (s *Server) getGuild(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), queryTime)
	defer cancel()
	q, err := s.query(r, "channels", "as", "window", "since", "until", "tz")
	if err != nil {
		return err
	}
	guild, part, err := s.guildPart(ctx, r, q)
	if err != nil {
		return err
	}
	summary, err := part.Summary(ctx, guild.ID, s.days(w, q), topEntries)
	if err != nil {
		return err
	}
	out := Guild{
		ID: guild.ID, Name: guild.Name, Messages: summary.Messages, Users: summary.Users,
		Daily:   append([]store.Day{}, summary.Daily...),
		Heatmap: summary.Heatmap, TopChannels: firstChannels(summary.Channels),
		TopUsers: make([]UserMessages, len(summary.Leaders)),
	}
	for i, l := range summary.Leaders {
		out.TopUsers[i] = UserMessages{User: l.User, Name: l.Name, Messages: l.Messages}
	}
	return sendAnswer(w, r, out)
}

func firstChannels(channels []store.ChannelCount) []store.ChannelCount {
	return append([]store.ChannelCount{}, channels[:min(len(channels), topEntries)]...)
}

func (s *Server) getTop(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), queryTime)
	defer cancel()
	q, err := s.query(r, "channels", "as", "window", "since", "until", "tz", "by", "limit")
	if err != nil {
		return err
	}
	guild, part, err := s.guildPart(ctx, r, q)
	if err != nil {
		return err
	}
	leaders, total, err := part.Leaders(ctx, guild.ID, s.days(w, q), q.by, q.limitOr(10))
	if err != nil {
		return err
	}
	out := make([]Leader, len(leaders))
	for i, l := range leaders {
		share := math.Round(float64(l.Messages)/float64(total)*1e6) / 1e6
		out[i] = Leader{Rank: i + 1, User: l.User, Name: l.Name, Messages: l.Messages, Days: l.Days, Share: share}
	}
	return sendAnswer(w, r, out)
}
