// Package window shows a JSON text of any length through a window that always holds
// the piece which is being read as a whole.
package window
