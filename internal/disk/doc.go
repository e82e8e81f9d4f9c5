// Package disk tells how much room a disk has.
package disk
