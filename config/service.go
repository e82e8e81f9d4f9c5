package config

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const serviceUnit = "rollcall.service"

// unitFolders are where systemd looks for a unit, the first one wins.
var unitFolders = []string{"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}

// Service is the systemd service of this machine, as far as its unit tells it.
type Service struct {
	Unit string // path of the unit
	// Variables of rollcall that the service's process has, by their names. A secret that
	// systemd hands over is named by the file that systemd reads it from.
	Variables map[string]string
	// Sources are the files that the variables come from.
	Sources []string
	// Required are the files without which systemd does not start the service.
	Required []string
}

// FindService reads the unit of the service and the environment files that it names, below
// a root folder, which is "/" but in tests. It returns nil if there is no unit. The error is
// of a file that is there and cannot be read.
func FindService(root string) (*Service, error) {
	s := &Service{Variables: map[string]string{}}
	for _, folder := range unitFolders {
		path := filepath.Join(root, folder, serviceUnit)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			s.Unit = path
			break
		}
	}
	if s.Unit == "" {
		return nil, nil
	}
	var unit unitSettings
	for _, path := range append([]string{s.Unit}, dropIns(root)...) {
		if err := unit.read(path); err != nil {
			return nil, err
		}
		s.Sources = append(s.Sources, path)
	}
	maps.Copy(s.Variables, unit.environment)
	for _, file := range unit.files {
		name, optional := strings.CutPrefix(file, "-")
		path := filepath.Join(root, name)
		text, err := os.ReadFile(path)
		if optional && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		maps.Copy(s.Variables, environmentFile(text))
		s.Sources = append(s.Sources, path)
	}
	for _, path := range unit.conditions {
		s.Required = append(s.Required, filepath.Join(root, path))
	}
	s.resolve(root, unit.credentials)
	return s, nil
}

// resolve names files that systemd hands over by what it reads them from. One that is not
// there, or that this process may not read, is left out.
func (s *Service) resolve(root string, credentials map[string]string) {
	const given = "%d/"
	if _, ok := credentials[credential]; ok && s.Variables[prefix+"_ENCRYPTION_KEY_FILE"] == "" {
		s.Variables[prefix+"_ENCRYPTION_KEY_FILE"] = given + credential
	}
	for name, value := range s.Variables {
		if !strings.HasPrefix(name, prefix+"_") {
			delete(s.Variables, name)
			continue
		}
		id, ok := strings.CutPrefix(value, given)
		if !ok {
			continue
		}
		path := filepath.Join(root, credentials[id])
		if f, err := os.Open(path); err != nil || credentials[id] == "" {
			delete(s.Variables, name)
		} else {
			f.Close()
			s.Variables[name] = path
		}
	}
}

// Adopt gives this process the variables of the service that it does not have itself. What
// is relative is so to the root folder, in which systemd starts a service.
func (s *Service) Adopt() error {
	for _, name := range slices.Sorted(maps.Keys(s.Variables)) {
		if other, ok := strings.CutSuffix(name, "_FILE"); ok && (other == prefix+"_TOKEN" || other == prefix+"_API_TOKEN") {
			if _, set := os.LookupEnv(other); set { // the two exclude each other
				continue
			}
		}
		if _, set := os.LookupEnv(name); set {
			continue
		}
		if err := os.Setenv(name, s.absolute(name)); err != nil {
			return fmt.Errorf("take %s from the service: %w", name, err)
		}
	}
	return nil
}

// absolute returns the value of a variable, a path from the root folder.
func (s *Service) absolute(name string) string {
	value := s.Variables[name]
	if v := findName(name); v != nil && v.place && value != "" && !strings.Contains(value, ":") && !filepath.IsAbs(value) {
		value = string(filepath.Separator) + value
	}
	return value
}

// Gives reports whether a variable, whose name is given without the prefix, is in this process
// as the service has it once Adopt was called: the environment had none of its own. No service
// gives none.
func (s *Service) Gives(name string) bool {
	if s == nil {
		return false
	}
	name = prefix + "_" + name
	value, set := os.LookupEnv(name)
	theirs, given := s.Variables[name]
	return set == given && (value == theirs || value == s.absolute(name))
}

func findName(name string) *Variable {
	for _, r := range rows() {
		if prefix+"_"+r.Name == name {
			return &r.Variable
		}
	}
	return nil
}

// dropIns returns the files that add to the unit, in the order in which systemd reads them.
func dropIns(root string) []string {
	byName := map[string]string{}
	for _, folder := range slices.Backward(unitFolders) {
		paths, _ := filepath.Glob(filepath.Join(root, folder, serviceUnit+".d", "*.conf"))
		for _, path := range paths {
			byName[filepath.Base(path)] = path
		}
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		all = append(all, byName[name])
	}
	return all
}

// unitSettings is what a unit and its drop-ins say of the environment.
type unitSettings struct {
	environment map[string]string
	files       []string // a - before one: it may be missing
	credentials map[string]string
	conditions  []string
}

func (u *unitSettings) read(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if u.environment == nil {
		u.environment, u.credentials = map[string]string{}, map[string]string{}
	}
	for line := range logicalLines(text) {
		key, value, _ := strings.Cut(line, "=")
		value = strings.TrimSpace(value)
		switch strings.TrimSpace(key) {
		case "Environment":
			if value == "" {
				clear(u.environment)
			}
			for _, word := range unquoted(value) {
				if name, v, ok := strings.Cut(word, "="); ok {
					u.environment[name] = specified(v)
				}
			}
		case "EnvironmentFile":
			if value == "" {
				u.files = nil
			} else {
				u.files = append(u.files, specified(value))
			}
		case "LoadCredential", "LoadCredentialEncrypted":
			if id, from, ok := strings.Cut(value, ":"); ok && strings.HasPrefix(from, "/") {
				u.credentials[id] = from
			}
		case "ConditionPathExists":
			if strings.HasPrefix(value, "/") {
				u.conditions = append(u.conditions, specified(value))
			}
		}
	}
	return nil
}

// specified replaces the specifiers of a system service that stand for a folder; %d is
// resolve's.
func specified(text string) string {
	return strings.NewReplacer("%%", "%", "%S", "/var/lib", "%C", "/var/cache", "%L", "/var/log", "%t", "/run", "%E", "/etc").Replace(text)
}

// logicalLines are the lines of a unit or environment file without comments; a backslash
// at the end of one joins the next.
func logicalLines(text []byte) func(func(string) bool) {
	return func(yield func(string) bool) {
		lines := bufio.NewScanner(bytes.NewReader(text))
		lines.Buffer(nil, len(text)+1)
		held := ""
		for lines.Scan() {
			line := strings.TrimRight(lines.Text(), "\r")
			if trimmed := strings.TrimSpace(line); held == "" && (trimmed == "" || trimmed[0] == '#' || trimmed[0] == ';') {
				continue
			}
			if joined, ok := strings.CutSuffix(line, `\`); ok {
				held += joined + " "
				continue
			}
			if !yield(held + line) {
				return
			}
			held = ""
		}
		if held != "" {
			yield(held)
		}
	}
}

// environmentFile reads the assignments of an EnvironmentFile.
func environmentFile(text []byte) map[string]string {
	all := map[string]string{}
	for line := range logicalLines(text) {
		name, value, ok := strings.Cut(line, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || strings.ContainsAny(name, " \t") {
			continue
		}
		if quote := value; quote != "" && (quote[0] == '"' || quote[0] == '\'') {
			if words := unquoted(value); len(words) > 0 {
				value = words[0]
			}
		}
		all[name] = value
	}
	return all
}

// unquoted splits a text at white space that is not in quotes.
func unquoted(text string) (words []string) {
	var word strings.Builder
	inWord, quote := false, rune(0)
	escaped := false
	for _, r := range text {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped, inWord = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, inWord = r, true
		case quote == 0 && (r == ' ' || r == '\t'):
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if inWord {
		words = append(words, word.String())
	}
	return words
}
