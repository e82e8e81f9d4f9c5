package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "dist: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	var named naming
	out := flag.String("out", "", "the `folder` to put the files into; there must be nothing in it")
	flag.StringVar(&named.version, "version", "", "the `version`, such as 1.2.3 or 1.2.3-rc.1; without one git tells it from the tag")
	flag.StringVar(&named.commit, "commit", "", "the `commit`, if git does not know it")
	flag.StringVar(&named.time, "time", os.Getenv("SOURCE_DATE_EPOCH"), "its time in `seconds` of unix, if git does not know it")
	flag.Parse()
	if *out == "" || flag.NArg() > 0 {
		return errors.New("want -out FOLDER and no arguments; see -help")
	}
	folder, err := filepath.Abs(*out)
	if err != nil {
		return err
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return err
	}
	r, err := newRelease(root, named)
	if err != nil {
		return err
	}
	fmt.Printf("rollcall %s, commit %s, %s\n", r.version, r.commit, r.time.Format("2006-01-02 15:04:05Z07:00"))
	return r.write(folder, platforms)
}
