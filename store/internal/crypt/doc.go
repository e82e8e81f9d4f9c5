// Package crypt encrypts texts: what was said, names, and what else would tell of them.
// A Keyring has the keys of a database in use, a Codec reads and writes the texts of one
// bucket, and the State, in the file, tells which key that takes.
package crypt
