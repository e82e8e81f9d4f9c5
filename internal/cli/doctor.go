package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rollcall/config"
	"rollcall/internal/api"
	"rollcall/internal/cli/terminal"
	"rollcall/internal/coverage"
	"rollcall/internal/disk"
	"rollcall/internal/doctor"
	"rollcall/internal/health"
	"rollcall/internal/rules"
	"rollcall/store"
)

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Look for what keeps rollcall from recording, and say what to do",
		Long: "Look for what keeps rollcall from recording, and say what to do: the token, the intents and the " +
			"permissions in each channel, as Discord tells them; the folders, the disk, the clock, the database, " +
			"the socket and the service of this machine. It changes nothing, and a daemon that runs goes on. " +
			"Exit code 1 if anything is wrong.",
		Example: "  rollcall doctor\n" +
			"  sudo rollcall doctor                     # of the service\n" +
			"  rollcall doctor --json | jq '.[] | select(.ok | not)'",
		Args: arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			checks, err := a.examine(c)
			if err != nil {
				return err
			}
			if a.json {
				err = json.NewEncoder(a.stdout).Encode(checks)
			} else {
				err = a.printChecks(checks)
			}
			return errors.Join(err, verdict(checks))
		},
	}
}

// verdict is an error if anything is wrong.
func verdict(checks []doctor.Check) error {
	var wrong []string
	for _, c := range checks {
		if !c.OK && !slices.Contains(wrong, c.Check) {
			wrong = append(wrong, c.Check)
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("not all is well: %s", strings.Join(wrong, ", "))
}

// examine makes all checks.
func (a *app) examine(c *cobra.Command) ([]doctor.Check, error) {
	named := config.IsSet("DB") || c.Flags().Changed("db")
	service, err := a.service(!named)
	if err != nil {
		return []doctor.Check{{Check: doctor.Service, Detail: err.Error(), Fix: "run it with sudo"}}, nil
	}
	cfg, tokenErr, err := config.LoadAnyToken()
	if err != nil {
		return nil, failure{err, exitConfig}
	}
	if err := a.databaseFlag(c, &cfg); err != nil {
		return nil, err
	}
	ctx := c.Context()
	e := examination{cfg: cfg, service: service, root: a.root}
	e.rules, e.rulesErr = Rules(cfg, slog.New(slog.DiscardHandler))
	e.source, e.sourceErr = openSource(ctx, cfg)
	if e.source != nil {
		defer e.source.close()
	}
	version, _ := Version()
	checks := doctor.Discord(ctx, doctor.Options{
		URL: e.discordURL(ctx), Gateway: e.gateway(ctx), Token: cfg.Token.Reveal(), TokenErr: tokenErr, Version: version,
		Rules: e.rules, Named: cfg.ChannelsAllow, Unreadable: e.unreadable(ctx),
	})
	clock := checks[len(checks)-1]
	checks = append(checks[:len(checks)-1], e.folders(), e.disk(), clock, e.file(ctx), e.socket(), e.ofService(ctx))
	return checks, nil
}

// examination is what the checks of this machine look at.
type examination struct {
	cfg       config.Config
	service   *config.Service
	root      string
	rules     *rules.Rules
	rulesErr  error
	source    *source
	sourceErr error
}

func (e *examination) daemon() bool { return e.source != nil && e.source.daemon }

// unreadable are the channels that the memory knows to be unreadable and that are to be
// recorded.
func (e *examination) unreadable(ctx context.Context) map[store.ID]string {
	var channels []coverage.Channel
	if e.source == nil {
		return nil
	}
	if _, err := e.source.decode(ctx, api.Path("coverage"), nil, &channels); err != nil {
		return nil
	}
	all := map[store.ID]string{}
	for _, c := range channels {
		if c.Readable != nil && !*c.Readable && c.ID != nil && (e.rules == nil || e.rules.Allowed(c.Guild, *c.ID, 0)) {
			all[*c.ID] = c.Name
		}
	}
	return all
}

// discordURL is the address of Discord: the daemon's, unless this environment has its own.
func (e *examination) discordURL(ctx context.Context) string {
	if !e.daemon() || config.IsSet("DISCORD_URL") {
		return e.cfg.DiscordURL
	}
	settings, err := askSettings(ctx, e.cfg)
	if err != nil || settings == nil {
		return e.cfg.DiscordURL
	}
	for _, v := range settings.Variables {
		if v.Name == "ROLLCALL_DISCORD_URL" {
			return v.Value
		}
	}
	return e.cfg.DiscordURL
}

// gateway is what a daemon with a token says of the gateway, "" if there is none.
func (e *examination) gateway(ctx context.Context) string {
	var report health.Report
	if !e.daemon() {
		return ""
	}
	if _, err := e.source.decode(ctx, api.Path("status"), nil, &report); err != nil || report.Tracker == nil {
		return ""
	}
	return report.Parts["gateway"].Detail
}

func fine(name, format string, a ...any) doctor.Check {
	return doctor.Check{Check: name, OK: true, Detail: fmt.Sprintf(format, a...)}
}

func amiss(name, fix, format string, a ...any) doctor.Check {
	return doctor.Check{Check: name, Detail: fmt.Sprintf(format, a...), Fix: fix}
}

func (e *examination) folders() doctor.Check {
	folder := filepath.Dir(e.cfg.DB)
	if err := isFolder(folder); err != nil {
		return amiss(doctor.Folders, "make the folder, or set ROLLCALL_DB to a file elsewhere", "the folder of the database: %v", err)
	}
	if !e.daemon() { // which has shown that it may write there
		f, err := os.CreateTemp(folder, ".rollcall-doctor-")
		if err != nil {
			return amiss(doctor.Folders, "give the folder to the user that rollcall runs as, or run this as that user", "the folder of the database: %q: %v", folder, bare(err))
		}
		f.Close()
		if err := os.Remove(f.Name()); err != nil {
			return amiss(doctor.Folders, "remove it by hand", "a file for a trial stays behind: %v", err)
		}
	}
	if e.rulesErr != nil {
		return amiss(doctor.Folders, "make the folder, or unset ROLLCALL_CHANNEL_CONFIG_DIR", "%v", e.rulesErr)
	}
	logs := "no logs"
	if err := isFolder(e.cfg.Logs); err == nil {
		logs = fmt.Sprintf("logs in %q", e.cfg.Logs)
		if _, err := os.ReadDir(e.cfg.Logs); err != nil {
			return amiss(doctor.Folders, "let the user that rollcall runs as read the folder", "the folder of the logs: %q: %v", e.cfg.Logs, bare(err))
		}
	} else if config.IsSet("LOGS") && (e.service == nil || !errors.Is(err, fs.ErrNotExist)) {
		return amiss(doctor.Folders, "set ROLLCALL_LOGS to the folder of the old logs, or unset it", "the folder of the logs: %v", err)
	}
	if dir := e.cfg.BackupDir; dir != "" {
		if err := isFolder(dir); err != nil {
			if above := isFolder(filepath.Dir(dir)); !errors.Is(err, fs.ErrNotExist) || above != nil {
				return amiss(doctor.Folders, "make the folder, or set ROLLCALL_BACKUP_DIR to another", "the folder of the backups: %v", err)
			}
		}
	}
	return fine(doctor.Folders, "the database in %q, %s", folder, logs)
}

func isFolder(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Errorf("%q: %w", path, bare(err))
	case !info.IsDir():
		return fmt.Errorf("%q: not a folder", path)
	}
	return nil
}

func (e *examination) disk() doctor.Check {
	folder := filepath.Dir(e.cfg.DB)
	free, err := disk.Free(folder)
	switch {
	case err != nil:
		return amiss(doctor.Disk, "look at the disk", "how much room %q has is not known: %v", folder, err)
	case free < int64(e.cfg.MinFree):
		return amiss(doctor.Disk, "make room, or lower ROLLCALL_MIN_FREE", "%s free, and %s is to be kept (ROLLCALL_MIN_FREE): the migration and backups wait", health.Size(free), e.cfg.MinFree)
	case free < 1<<20:
		return amiss(doctor.Disk, "make room", "%s free: nothing can be stored", health.Size(free))
	}
	return fine(doctor.Disk, "%s free", health.Size(free))
}

func (e *examination) file(ctx context.Context) doctor.Check {
	db := e.cfg.DB
	switch err := e.sourceErr; {
	case e.source != nil:
	case errors.Is(err, store.ErrDamaged):
		return amiss(doctor.File, howToRestore(db), "%v", plain(err))
	case errors.Is(err, store.ErrKeyMissing), errors.Is(err, store.ErrKeyWrong), errors.Is(err, store.ErrNotEncrypted), errors.Is(err, store.ErrRekeying):
		return amiss(doctor.File, "set ROLLCALL_ENCRYPTION_KEY_FILE to the file with its key, or unset it for a database without one", "%v", plain(err))
	case errors.Is(err, store.ErrLocked):
		return amiss(doctor.File, "wait until it is done, or set ROLLCALL_SOCKET to the daemon's", "%q is held by another process", db)
	default:
		if _, statErr := os.Stat(db); errors.Is(statErr, fs.ErrNotExist) {
			return fine(doctor.File, "%q does not exist yet: the daemon makes it", db)
		}
		return amiss(doctor.File, "let the user that rollcall runs as use the file, or run this as that user", "%v", plain(err))
	}
	var report health.Report
	if _, err := e.source.decode(ctx, api.Path("status"), nil, &report); err != nil {
		return amiss(doctor.File, "rollcall check reads all of it", "%q: %v", db, err)
	}
	if part := report.Parts["store"]; part.Status == health.Failed {
		return amiss(doctor.File, "rollcall check reads all of it", "%q: %s", db, part.Detail)
	}
	if n := report.Database.Damaged; n > 0 {
		return amiss(doctor.File, "rollcall check reads all of it; "+howToRestore(db), "%q: damaged records were met %d times", db, n)
	}
	return fine(doctor.File, "%q: %d messages, %s", db, report.Database.Messages, health.Size(report.Database.Size))
}

// plain is an error without what to do, which a check says apart from it.
func plain(err error) string {
	text, _, _ := strings.Cut(err.Error(), "; ")
	return text
}

func (e *examination) socket() doctor.Check {
	path := e.cfg.SocketPath()
	info, err := os.Lstat(path)
	switch {
	case e.daemon():
		return fine(doctor.Socket, "the daemon answers on %q", path)
	case err == nil && info.Mode().Type() != fs.ModeSocket:
		return amiss(doctor.Socket, "remove it, or set ROLLCALL_SOCKET to another path", "%q is no socket: the daemon cannot start", path)
	case errors.Is(e.sourceErr, store.ErrLocked):
		return amiss(doctor.Socket, "set ROLLCALL_SOCKET to the daemon's", "nobody answers on %q, though the database is held", path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return amiss(doctor.Socket, "give the folder to the user that rollcall runs as, or run this as that user", "%q: %v", path, bare(err))
	}
	if err := isFolder(filepath.Dir(path)); err != nil {
		return amiss(doctor.Socket, "make the folder, or set ROLLCALL_SOCKET to another path", "its folder: %v", err)
	}
	return fine(doctor.Socket, "no daemon runs; it would answer on %q", path)
}

// systemctlTime bounds how long systemd may take to answer.
const systemctlTime = 5 * time.Second

func (e *examination) ofService(ctx context.Context) doctor.Check {
	s := e.service
	if s == nil {
		return fine(doctor.Service, "none is installed")
	}
	for _, path := range s.Required {
		if _, err := os.Stat(path); err != nil {
			fix := "make it; systemd does not start the service without it"
			if filepath.Base(path) == "token" {
				fix = "sudo install -m 600 /dev/stdin " + path + " (paste the token, then Enter and Ctrl-D)"
			}
			return amiss(doctor.Service, fix, "%q: %v: the service does not start", path, bare(err))
		}
	}
	if _, err := os.Stat(filepath.Join(e.root, "run/systemd/system")); err != nil {
		return fine(doctor.Service, "installed (%s); systemd does not run here", s.Unit)
	}
	ctx, cancel := context.WithTimeout(ctx, systemctlTime)
	defer cancel()
	out, err := exec.CommandContext(ctx, "systemctl", "is-active", "rollcall.service").Output()
	state := strings.TrimSpace(string(out))
	switch {
	case state == "active":
		return fine(doctor.Service, "it runs")
	case state == "":
		return amiss(doctor.Service, "look at systemctl status rollcall", "systemd does not tell: %v", err)
	}
	return amiss(doctor.Service, "systemctl start rollcall; journalctl -u rollcall -n 20 says why it ended", "it is %s", state)
}

func (a *app) printChecks(checks []doctor.Check) error {
	var b strings.Builder
	width := min(a.width(proseWidth), 120)
	if a.wide {
		width = 1 << 20
	}
	for _, c := range checks {
		mark := "ok     "
		if !c.OK {
			mark = "wrong  "
		}
		lead := fmt.Sprintf("%s%-11s  ", mark, c.Check)
		var row strings.Builder
		hang(&row, lead, terminal.Visible(c.Detail), width)
		if c.Fix != "" {
			hang(&row, strings.Repeat(" ", len(lead))+"→ ", terminal.Visible(c.Fix), width)
		}
		text := row.String()
		if !c.OK {
			text = a.alarm(mark) + strings.TrimPrefix(text, mark)
		}
		b.WriteString(text)
	}
	_, err := a.stdout.Write([]byte(b.String()))
	return err
}

// alarm colours what needs somebody, if it may be.
func (a *app) alarm(s string) string {
	if a.colour {
		return "\x1b[31m" + s + "\x1b[0m"
	}
	return s
}
