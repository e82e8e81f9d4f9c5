//go:build source

package main

// The word list is a file of this module, and nothing of its code is used. This
// keeps it in go.mod.
import _ "github.com/go-ego/gse"
