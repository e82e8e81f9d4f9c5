// Package corpus makes archives in the exact shape of each tool and version, for tests
// and measurements. A World is a community of a few people and what they wrote; each
// function writes what a tool of some version would have written of it.
package corpus
