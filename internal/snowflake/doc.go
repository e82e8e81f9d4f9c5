// Package snowflake has the ids that Discord gives to guilds, channels, users and messages.
package snowflake
