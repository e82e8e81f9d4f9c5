// Package config turns the environment into one validated struct.
//
// Every variable begins with ROLLCALL_. Load reads them all, checks them all and
// either returns a Config that the rest of the program need not check again or
// an error of one line that names the variable and what it may be. A variable
// that nobody knows is refused as well: a misspelt deny list must not silently
// allow everything.
//
// Secrets are held in a type that no print, log or JSON encoder can look into,
// and no error carries the value of a variable that is, or names, a secret.
//
// Config.Variables is the table of all variables; "rollcall config" prints it.
package config
