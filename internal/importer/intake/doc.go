// Package intake stores what the archives of other tools hold, by the operator's rules:
// the importer's way into a database, in the process that has it open.
//
// What an archive says of itself decides first whether a message counts, then who has
// opted out or is forgotten, then which channels are recorded. Of what counts the rules
// say what is kept.
package intake
