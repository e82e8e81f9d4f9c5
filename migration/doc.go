// Package migration turns the log files of the bot before us into records.
package migration
