package main

import (
	"os"
	"os/exec"
	"path/filepath"
)

// The tools, each at the version whose output we have looked at.
const (
	nfpm      = "github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2"
	cyclonedx = "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0"
)

// tools is the folder of the built tools.
type tools string

// installTools builds the tools. They are built and then run, not run by the toolchain:
// an SBOM has the checksum of the program that made it, and the platform that it speaks of
// from the environment, which has to be this machine's for the build.
func installTools(folder string) (tools, error) {
	for _, tool := range []string{nfpm, cyclonedx} {
		cmd := exec.Command("go", "install", "-trimpath", tool)
		cmd.Env = append(os.Environ(), "GOBIN="+folder, "GOOS=", "GOARCH=", "CGO_ENABLED=0", "GOAMD64=v1", "GOARM64=v8.0",
			"GOFLAGS=", "GOEXPERIMENT=", "GOWORK=off")
		if _, err := output(cmd); err != nil {
			return "", err
		}
	}
	return tools(folder), nil
}

// bill writes the SBOM of a binary.
func (t tools) bill(r release, p platform, binary, file string) error {
	cmd := exec.Command(filepath.Join(string(t), "cyclonedx-gomod"), "bin", "-json", "-std", "-noserial", "-notimestamp",
		"-version", r.version, "-output", file, binary)
	cmd.Env = append(os.Environ(), "GOOS="+p.os, "GOARCH="+p.arch)
	_, err := output(cmd)
	return err
}
