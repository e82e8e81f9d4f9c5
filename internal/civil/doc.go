// Package civil has the instants, days, weeks and time zones of everything that is stored
// and asked for. It knows of no file and of nothing of Discord.
package civil
