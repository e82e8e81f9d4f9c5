// Package terminal keeps text that people wrote from doing anything to a terminal.
package terminal
