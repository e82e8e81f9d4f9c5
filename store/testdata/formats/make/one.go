//go:build one

package main

import "rollcall/store"

var options store.Options

func encrypt() {}

func later(*store.DB) {}

func knownLater(*store.DB, func(string, any, error)) {}
