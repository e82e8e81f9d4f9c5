package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"rollcall/internal/cli"
)

const maintainer = "The rollcall maintainers <maintainers@users.noreply.r-seed-8f5f1808.example>"

// debianVersion is the version as dpkg orders it: a pre-release before its release,
// which semantic versions mark with a hyphen and Debian with a tilde. The revision
// counts how often the same version was packaged.
func (r release) debianVersion() string { return strings.Replace(r.version, "-", "~", 1) + "-1" }

// stage gathers what the packages of all architectures have in common, under the names
// that nfpm.yaml gives them.
func (r release) stage(folder, licences string) (string, error) {
	for file, from := range map[string]string{
		"nfpm.yaml":                       "deploy/debian/nfpm.yaml",
		"postinst":                        "deploy/debian/postinst",
		"prerm":                           "deploy/debian/prerm",
		"postrm":                          "deploy/debian/postrm",
		"lintian-overrides":               "deploy/debian/lintian-overrides",
		"rollcall.service":                "deploy/rollcall.service",
		"rollcall.env":                    "deploy/rollcall.env",
		"examples/alerts.yml":             "deploy/alerts.yml",
		"examples/grafana-dashboard.json": "deploy/grafana-dashboard.json",
		"README.md":                       "README.md",
		"SECURITY.md":                     "SECURITY.md",
	} {
		if err := copyFile(filepath.Join(folder, file), filepath.Join(r.root, from)); err != nil {
			return "", err
		}
	}
	docs, err := filepath.Glob(filepath.Join(r.root, "docs", "*.md"))
	if err != nil {
		return "", err
	}
	for _, from := range docs {
		if err := copyFile(filepath.Join(folder, "docs", filepath.Base(from)), from); err != nil {
			return "", err
		}
	}
	if err := copyFile(filepath.Join(folder, "copyright"), licences); err != nil {
		return "", err
	}
	if err := r.stageChangelogs(folder); err != nil {
		return "", err
	}
	if err := r.stageManual(folder); err != nil {
		return "", err
	}
	if err := r.stageCompletions(folder); err != nil {
		return "", err
	}
	return folder, nil
}

func copyFile(to, from string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return writeFile(to, content)
}

// writeFile makes the folder, too. The package's modes are in nfpm.yaml.
func writeFile(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o644)
}

// compressed is content as gzip -9n has it: without name and time.
func compressed(content []byte) []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		panic(err) // the level is a constant of the package
	}
	w.Write(content) // a bytes.Buffer takes everything
	w.Close()
	return b.Bytes()
}

// stageChangelogs writes the program's changelog and the package's own, which Debian
// wants to tell apart.
func (r release) stageChangelogs(folder string) error {
	changes, err := os.ReadFile(filepath.Join(r.root, "CHANGELOG.md"))
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(folder, "changelog.gz"), compressed(changes)); err != nil {
		return err
	}
	entry := fmt.Sprintf("rollcall (%s) stable; urgency=medium\n\n  * Version %s; changelog.gz tells what is new.\n\n -- %s  %s\n",
		r.debianVersion(), r.version, maintainer, r.time.Format(time.RFC1123Z))
	return writeFile(filepath.Join(folder, "changelog.Debian.gz"), compressed([]byte(entry)))
}

func (r release) stageManual(folder string) error {
	pages := filepath.Join(folder, "pages")
	if err := (book{r.version, r.time}).write(pages, cli.Commands()); err != nil {
		return err
	}
	entries, err := os.ReadDir(pages)
	if err != nil {
		return err
	}
	for _, e := range entries {
		page, err := os.ReadFile(filepath.Join(pages, e.Name()))
		if err != nil {
			return err
		}
		section := "man" + strings.TrimPrefix(filepath.Ext(e.Name()), ".")
		if err := writeFile(filepath.Join(folder, section, e.Name()+".gz"), compressed(page)); err != nil {
			return err
		}
	}
	return os.RemoveAll(pages)
}

// stageCompletions asks the program itself for its completions, on this machine.
func (r release) stageCompletions(folder string) error {
	for shell, file := range map[string]string{"bash": "rollcall.bash", "zsh": "_rollcall", "fish": "rollcall.fish"} {
		script, err := output(r.goCommand(platform{}, "run", "-trimpath", "-buildvcs=false", ".", "completion", shell))
		if err != nil {
			return err
		}
		if err := writeFile(filepath.Join(folder, file), []byte(script)); err != nil {
			return err
		}
	}
	return nil
}

// pack makes the Debian package of a binary and of what was staged. Every file in it has
// the time of the commit.
func (t tools) pack(r release, p platform, binary, staged, folder string) error {
	file := filepath.Join(folder, fmt.Sprintf("rollcall_%s_%s.deb", r.debianVersion(), p.arch))
	cmd := exec.Command(filepath.Join(string(t), "nfpm"), "package", "--packager", "deb", "--target", file)
	cmd.Dir = staged
	cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH="+fmt.Sprint(r.time.Unix()), "BINARY="+binary,
		"ARCHITECTURE="+p.arch, "VERSION="+r.debianVersion(), "MAINTAINER="+maintainer)
	_, err := output(cmd)
	return err
}
