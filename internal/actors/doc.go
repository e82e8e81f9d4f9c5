// Package actors runs the parts of the daemon beside each other: the first one to
// end stops the others, and all have ended before the daemon goes on to close what
// they share. It is a run.Group whose members are functions of a context, whose
// panics stop the others in order, and which tells what went wrong, not only what
// ended first.
package actors
