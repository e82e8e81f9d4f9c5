package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"rollcall/config"
	"rollcall/internal/api"
	"rollcall/internal/cli/terminal"
)

// beyond is where things of a person may lie that the database does not have.
type beyond struct {
	logs, backups string   // folders that are there; "": none is to be looked at
	unseen        []string // what is not looked at, and why, for people
}

// findBeyond finds the folders. What a flag or a variable of this process names counts,
// else what the daemon has, which may have been started with other variables. It fails if
// what is to be scrubbed is not found: that must be known before anything is removed.
func findBeyond(ctx context.Context, s *source, cfg config.Config, f forgetFlags) (b beyond, err error) {
	daemon, err := s.folders(ctx)
	if err != nil {
		return b, err
	}
	logs := folder{path: f.logs, named: f.logsNamed, needed: f.scrubLogs, what: "logs", flag: "--scrub-logs", remedy: "name their folder with --logs, or set ROLLCALL_LOGS to it"}
	switch {
	case f.logsNamed:
	case config.IsSet("LOGS") || daemon.Logs.Path == "":
		logs.path = cfg.Logs
	default:
		logs.of(daemon.Logs)
	}
	backups := folder{path: cfg.BackupDir, needed: f.scrubBackups, what: "backups", flag: "--scrub-backups", remedy: "set ROLLCALL_BACKUP_DIR to their folder"}
	if !config.IsSet("BACKUP_DIR") {
		backups.of(daemon.Backups)
	}
	if b.logs, err = logs.find(&b.unseen); err != nil {
		return b, err
	}
	if b.backups, err = backups.find(&b.unseen); err != nil {
		return b, err
	}
	if key := cfg.EncryptionKey(); f.scrubBackups && b.backups != "" && daemon.Key != "" && (!key.IsSet() || key.ID() != daemon.Key) {
		return b, failure{fmt.Errorf("nothing was removed: the backups are encrypted with key %s: set ROLLCALL_ENCRYPTION_KEY_FILE to the file that holds it", daemon.Key), exitConfig}
	}
	return b, nil
}

// folder is where something of a person may lie.
type folder struct {
	path   string
	named  bool // by a flag: it has to be there
	needed bool // what is there is to be scrubbed
	empty  bool // the daemon whose it is knows that it is not there
	what   string
	flag   string // that needs it
	remedy string
}

// of takes the folder for the daemon's, if it has one.
func (f *folder) of(theirs api.Folder) {
	f.path, f.empty = theirs.Path, theirs.Path != "" && !theirs.Exists
}

// find returns the path if the folder is there, and "" if there is nothing to be looked at.
func (f *folder) find(unseen *[]string) (string, error) {
	if f.empty { // what the daemon does not have holds nothing of anybody
		return "", nil
	}
	err := f.missing()
	switch {
	case err == nil:
		return f.path, nil
	case f.needed:
		return "", fmt.Errorf("nothing was removed: %s wants the folder of the %s: %w: %s", f.flag, f.what, err, f.remedy)
	case f.named:
		return "", fmt.Errorf("nothing was removed: %w: %s", err, f.remedy)
	}
	*unseen = append(*unseen, fmt.Sprintf("The %s were not looked at: %s: %s", f.what, terminal.Visible(err.Error()), f.remedy))
	return "", nil
}

// missing says why there is no folder.
func (f *folder) missing() error {
	if f.path == "" && !f.named {
		return errors.New("it is not known where they are")
	}
	info, err := os.Stat(f.path)
	switch {
	case err != nil:
		return fmt.Errorf("%q: %w", f.path, bare(err))
	case !info.IsDir():
		return fmt.Errorf("%q: not a folder", f.path)
	}
	return nil
}
