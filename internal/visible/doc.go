// Package visible makes what people wrote harmless to who reads it: nothing in it is hidden, and
// nothing changes how other text is shown.
package visible
