// Package store keeps every record in one bbolt file.
package store
