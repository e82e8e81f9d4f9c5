package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"rollcall/store"
)

// credential is the name under which systemd may hand over the encryption key
// (LoadCredential=).
const credential = "encryption-key"

// loadKey reads the encryption key, if there is one.
func (c *Config) loadKey() (err error) {
	if c.EncryptionKeyFile == "" {
		folder := os.Getenv("CREDENTIALS_DIRECTORY")
		path := filepath.Join(folder, credential)
		if _, err := os.Stat(path); err != nil || folder == "" {
			return nil
		}
		c.EncryptionKeyFile = path
	}
	if c.key, err = ReadKey(c.EncryptionKeyFile); err != nil {
		return fmt.Errorf("%s_ENCRYPTION_KEY_FILE: cannot use the file: %w; want %s", prefix, err, find("ENCRYPTION_KEY_FILE").May)
	}
	return nil
}

// EncryptionKey returns what the database is encrypted with, the zero Key for none.
func (c Config) EncryptionKey() store.Key { return c.key }

// ReadKey reads an encryption key from a file that only its owner and group may use.
// Its errors do not hold the path.
func ReadKey(path string) (store.Key, error) {
	s, mode, err := readFile(path)
	switch {
	case err != nil:
		return store.Key{}, err
	case mode.Perm()&0o007 != 0 && runtime.GOOS != "windows": // where modes say nothing
		return store.Key{}, fmt.Errorf("everybody on this machine may use it (mode %#o): chmod 600 it", mode.Perm())
	}
	return store.ParseKey(s.Reveal())
}

// WriteKey writes a key into a new file. When it returns the file survives a loss of
// power, as what is encrypted with the key will. Its errors do not hold the path.
func WriteKey(path string, k store.Key) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return pathless(err)
	}
	_, err = fmt.Fprintln(f, k.Encode())
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil || runtime.GOOS == "windows" { // folders cannot be synced there
		return pathless(err)
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return pathless(err)
	}
	return pathless(errors.Join(folder.Sync(), folder.Close()))
}
