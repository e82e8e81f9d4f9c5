// Package archive is what the archives of other tools hold, whatever their format:
// the stream that every reader below internal/importer hands out, and the importer
// takes.
package archive
