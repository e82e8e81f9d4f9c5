package cli

import (
	"fmt"
	"log/slog"
	"time"

	"rollcall/config"
	"rollcall/internal/rules"
)

// Rules returns the rules that the configuration asks for, of the daemon and of every
// command that stores messages.
func Rules(c config.Config, log *slog.Logger) (*rules.Rules, error) {
	r, err := rules.New(rules.Options{
		GuildsAllow: c.GuildsAllow, GuildsDeny: c.GuildsDeny, ChannelsAllow: c.ChannelsAllow, ChannelsDeny: c.ChannelsDeny,
		OptOut: c.OptOut, DropContent: !c.StoreContent, Retention: time.Duration(c.Retention), ConfigDir: c.ChannelConfigDir, Log: log,
	})
	if err != nil {
		return nil, failure{fmt.Errorf("ROLLCALL_CHANNEL_CONFIG_DIR: %w: want a folder", err), exitConfig}
	}
	return r, nil
}
