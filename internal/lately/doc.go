// Package lately remembers what happened last, of any number of things, in bounded memory.
package lately
