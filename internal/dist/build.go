package main

import (
	"fmt"
	"os"
	"os/exec"
)

// platform is what a binary runs on, in the words of Go.
type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "/" + p.arch }

var platforms = []platform{
	{"linux", "amd64"}, {"linux", "arm64"},
	{"darwin", "amd64"}, {"darwin", "arm64"},
	{"windows", "amd64"}, {"windows", "arm64"},
}

// binary names the program's file for a platform.
func (r release) binary(p platform) string {
	name := fmt.Sprintf("rollcall-%s-%s-%s", r.version, p.os, p.arch)
	if p.os == "windows" {
		name += ".exe"
	}
	return name
}

// build builds the program. -trimpath takes the folders out of it; what git knows is not
// noted by the toolchain, but given, so that it is built alike from an archive.
func (r release) build(file string, p platform) error {
	cmd := r.goCommand(p, "build", "-trimpath", "-buildvcs=false", "-o", file,
		"-ldflags", "-s -w -X rollcall/internal/cli.version="+r.version+" -X rollcall/internal/cli.commit="+r.commit, ".")
	_, err := output(cmd)
	return err
}

// goCommand prepares a command of the toolchain in the program's module, for a platform
// and with nothing of the caller's environment that changes what is built.
func (r release) goCommand(p platform, args ...string) *exec.Cmd {
	cmd := exec.Command("go", args...)
	cmd.Dir = r.root
	cmd.Env = append(os.Environ(), "GOOS="+p.os, "GOARCH="+p.arch, "CGO_ENABLED=0",
		"GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=", "GOEXPERIMENT=", "GOWORK=off")
	return cmd
}
