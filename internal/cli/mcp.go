package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"

	"github.com/spf13/cobra"

	"rollcall/internal/actors"
	"rollcall/internal/mcp"
	"rollcall/store"
)

func (a *app) mcpCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "mcp",
		Short: "Give the memory to a language model, on standard input and output",
		Long: "Give the memory to a language model: a server of the Model Context Protocol on standard input and\n" +
			"output, which a client such as a desktop assistant starts by itself. All tools read, none writes. It\n" +
			"asks the daemon, if one runs, or opens the file. Each call is a line on standard error, without\n" +
			"any text. With --guild and --channel the model sees these alone; with --as what a member of the\n" +
			"servers may read in Discord, for which the daemon has to be running and connected.",
		Example: "  rollcall mcp\n  rollcall mcp --guild 111111111111111111 --channel 333333333333333333",
		Args:    arguments(0, 0),
	}
	guildTexts := c.Flags().StringArray("guild", nil, "only this `guild`, by id; may be given several times")
	channelTexts := c.Flags().StringArray("channel", nil, "only this `channel`, by id; may be given several times")
	as := c.Flags().String("as", "", "answer as this `user` may read in Discord, an id or a name")
	c.RunE = func(c *cobra.Command, _ []string) error {
		guilds, err := idsOf("guild", *guildTexts)
		if err != nil {
			return err
		}
		channels, err := idsOf("channel", *channelTexts)
		if err != nil {
			return err
		}
		return a.reading(c, nil, func(s *source) error {
			member := store.ID(0)
			if c.Flags().Changed("as") {
				if !s.daemon {
					return errors.New("mcp --as: who may read what is known to a connected daemon alone, and none runs for this database: start rollcall run, then ask again")
				}
				reading, err := mcp.ReadingOf(c.Context(), s.answer, *as, guilds)
				if err != nil {
					return fmt.Errorf("mcp --as: %w", err)
				}
				member = reading.User
			}
			version, _ := Version()
			server, err := mcp.New(mcp.Options{
				Ask: s.answer, Version: version, Guilds: guilds, Channels: channels, As: member, Log: slog.New(slog.NewJSONHandler(a.stderr, nil)),
			})
			if err != nil {
				return err
			}
			ctx, stop := actors.Stoppable(c.Context())
			defer stop()
			return server.ServeStdio(ctx, os.Stdin, os.Stdout)
		})
	}
	return c
}

// idsOf reads the ids that were given with a flag.
func idsOf(flag string, texts []string) (ids []store.ID, err error) {
	for _, text := range texts {
		id, err := store.ParseID(text)
		if err != nil {
			return nil, usage("--%s cannot be %.64q: %w", flag, text, err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// answer asks for a path and returns the whole answer.
func (s *source) answer(ctx context.Context, path string, query url.Values) ([]byte, http.Header, error) {
	response, err := s.get(ctx, path, query)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, nil, s.broken(err)
	}
	return body, response.Header, nil
}
