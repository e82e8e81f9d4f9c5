package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// self is how to call this program again from the folder that it was started in.
func self() string {
	path, err := os.Executable()
	if err == nil && strings.Contains(filepath.ToSlash(path), "/go-build") {
		return "go run ."
	}
	if found, lookErr := exec.LookPath("rollcall"); err == nil && lookErr == nil && sameFile(found, path) {
		return "rollcall"
	}
	return quoted(os.Args[0])
}

// quoted is a word as a shell takes it.
func quoted(word string) string {
	if word != "" && strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:@%,") == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
