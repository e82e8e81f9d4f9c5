// Rollcall keeps every message of a Discord community in one file.
//
//	Discord ────▶ tracker ───┐                      ┌───▶ socket ───▶ commands
//	                         ├───▶ store, one file ─┤
//	log files ──▶ migration ─┘                      └───▶ http ─────▶ programs
//
// Each of the four is an actor, and so are the sweeper (removes what is to go), backup (copies of the store, if asked
// for), signals (the first one stops all, a second one the process) and notify (for systemd). The first actor to
// return stops the others, by their contexts. The store closes last.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"rollcall/config"
	"rollcall/internal/actors"
	"rollcall/internal/api"
	"rollcall/internal/backup"
	"rollcall/internal/cli"
	"rollcall/internal/health"
	"rollcall/internal/metrics"
	"rollcall/internal/sweep"
	"rollcall/internal/web"
	"rollcall/migration"
	"rollcall/store"
	"rollcall/tracker"
)

func main() { os.Exit(cli.Execute(os.Args[1:], daemon)) }

func daemon(ctx context.Context, c config.Config, log *slog.Logger) (err error) {
	damaged := func(err error) { log.Error("a record is left out of answers", "error", err) }
	db, err := store.Open(c.DB, store.Options{LockTimeout: 5 * time.Second, Key: c.EncryptionKey(), Damaged: damaged})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rules, err := cli.Rules(c, log)
	if err != nil {
		return err
	}
	db.Guard(rules.Apply)
	group := actors.New(ctx, log)
	group.AddSignals()
	version, commit := cli.Version()
	parts := health.Sources{Store: db, CommitInterval: c.CommitInterval,
		Daemon: &health.Daemon{Version: version, Commit: commit, Process: os.Getpid(), Started: store.MicrosOf(time.Now())}}
	var heard api.Options // what the tracker alone can tell
	if c.Token.IsSet() {  // tracker
		t, err := tracker.New(tracker.Options{
			Store: db, Token: c.Token.Reveal(), DiscordURL: c.DiscordURL, CommitInterval: c.CommitInterval,
			Rules: rules, Backfill: string(c.Backfill), OnDelete: string(c.OnDelete), OnEdit: string(c.OnEdit), Recheck: time.Duration(c.Recheck),
			Shards: int(c.Shards), ShardIDs: c.ShardIds, Version: version, Log: log.With("actor", "tracker"),
		})
		if err != nil {
			return err
		}
		parts.Tracker, heard.Passed, heard.Public, heard.Reader = t.Status, t.WhyPassed, t.EveryoneReads, t.Reader
		group.Add("tracker", t.Run)
	} else {
		log.Warn("no bot token: tracking is off; set ROLLCALL_TOKEN or ROLLCALL_TOKEN_FILE")
	}
	{ // migration
		m := migration.NewFollower(migration.Options{Store: db, Root: c.Logs, Rules: rules, Batch: int(c.MigrationBatch), MinFree: int64(c.MinFree),
			StartDelay: c.MigrationStartDelay, DayDelay: c.MigrationDayDelay, Log: log.With("actor", "migration")})
		parts.Migration = m.Status
		group.Add("migration", m.Run)
	}
	{ // sweeper
		o := sweep.Options{Store: db, Retention: time.Duration(c.Retention), Grace: time.Duration(c.GuildGrace), Log: log.With("actor", "sweeper")}
		group.Add("sweeper", func(ctx context.Context) error { return sweep.Run(ctx, o) })
	}
	if c.BackupDir != "" { // backup
		s := backup.NewSchedule(backup.Options{Store: db, Folder: c.BackupDir, Interval: c.BackupInterval,
			Keep: int(c.BackupKeep), MinFree: int64(c.MinFree), Log: log.With("actor", "backup")})
		parts.Backup = func() health.Backup { return health.Backup(s.Status()) }
		group.Add("backup", s.Run)
	}
	vitals := health.New(parts)
	meters := metrics.New(vitals, log.With("actor", "http"))
	var listener net.Listener // of http
	var door *web.Door
	if c.Listen != "" {
		if listener, err = net.Listen("tcp", c.Listen); err != nil {
			return fmt.Errorf("%w: set ROLLCALL_LISTEN to another address, or to nothing", err)
		}
		defer listener.Close()
		door = web.NewDoor(web.DoorOptions{Token: c.APIToken.Reveal(), Base: c.PageURL(listener.Addr())})
	}
	server := api.New(api.Options{
		Store: db, Token: c.APIToken.Reveal(), Host: c.ListenHost(), Socket: c.SocketPath(), Zone: c.TZ.Location(),
		Vitals: vitals, Metrics: meters.Handler(), Log: log.With("actor", "http"), MinFree: int64(c.MinFree), Settings: cli.SettingsOf(c, parts.Daemon),
		Rules: rules, Passed: heard.Passed, Public: heard.Public, Reader: heard.Reader, Logs: c.Logs, Backups: c.BackupDir, Intake: cli.Intake(c, db, rules), Login: door.Login(),
	})
	{ // socket
		listener, err := api.ListenSocket(c.SocketPath())
		if err != nil {
			return err
		}
		defer listener.Close()
		group.Add("socket", func(ctx context.Context) error { return api.Serve(ctx, listener, meters.Count(server.Socket()), log) })
	}
	if listener != nil { // http
		handler, err := cli.Handler(c, server, door, meters.Called, log.With("actor", "http"))
		if err != nil {
			return err
		}
		log.Info("http", "address", listener.Addr().String(), "v1", c.APIToken.IsSet(), "page", door != nil)
		group.Add("http", func(ctx context.Context) error { return api.Serve(ctx, listener, meters.Count(handler), log) })
	}
	group.Add("notify", func(ctx context.Context) error { return vitals.Notify(ctx, log) })
	log.Info("running", "db", c.DB, "socket", c.SocketPath(), "key", db.KeyID())
	return group.Run()
}
