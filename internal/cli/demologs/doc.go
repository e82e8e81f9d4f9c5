// Package demologs writes the logs that a bot before us might have left: the
// month of history that the demo migrates.
//
// What is said, where and by whom comes from the caller; the package knows only
// how the files look. The same talk and the same day give the same files.
package demologs
